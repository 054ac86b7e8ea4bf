"""Latency of one forward pass on this machine: warm-up, samples, median and spread."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import nn

METHOD = 1
"""Version of what the clock covers and how: raised when it changes a number."""
SCOPE = "forward pass, batch 1, float32 channels_last, logits at input size; no input handling, no arg-max"


def measure_latency(
    net: nn.Module, width: int, height: int, device: str, threads: int, warmup: int, iterations: int
) -> list[float]:
    """Time single forward passes of one random image.

    Args:
        net: the network; moved to `device` in eval mode.
        width, height: of the image, in pixels.
        device: "cpu" or "cuda".
        threads: CPU threads of torch.
        warmup: passes before the clock starts.
        iterations: passes that are timed one by one.

    Returns:
        `iterations` times in milliseconds, in the order of measurement.
    """
    torch.set_num_threads(threads)
    net = net.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    image = torch.rand(1, 3, height, width, device=device).to(memory_format=torch.channels_last)
    wait: Callable[[], None] = torch.cuda.synchronize if device == "cuda" else _no_wait
    with torch.inference_mode():
        for _ in range(warmup):
            net(image)
        wait()
        return [_time_one(net, image, wait) for _ in range(iterations)]


def _time_one(net: nn.Module, image: torch.Tensor, wait: Callable[[], None]) -> float:
    start = time.perf_counter_ns()
    net(image)
    wait()
    return (time.perf_counter_ns() - start) / 1e6


def _no_wait() -> None:
    """On the CPU a forward pass is over when it returns."""
