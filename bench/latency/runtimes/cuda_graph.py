"""A CUDA graph: the kernels of one eager pass, recorded once and launched together."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from bench.latency.runtimes.exporting import refused_in_words
from bench.latency.scope import Run, Scoped, make_images
from bench.settings.latency import LatencySetting

_WARM_UP = 3
"""Passes before the recording, in which libraries choose their kernels and reserve memory."""


def prepare(graph: Scoped, setting: LatencySetting, exported: Path) -> Run:
    """The recorded pass. It reads one image and writes one output, always at the same place."""
    image = make_images(setting).to("cuda")
    recorded = torch.cuda.CUDAGraph()
    with refused_in_words(setting), torch.inference_mode():
        _warm_up(graph, image)
        with torch.cuda.graph(recorded):
            output: Tensor = graph(image)

    def run(new: Tensor) -> Tensor:
        image.copy_(new, non_blocking=True)
        recorded.replay()
        return output

    return run


def prepare_logits(graph: Scoped, setting: LatencySetting, exported: Path) -> Run:
    """The graph without the arg-max, recorded likewise: for the check alone."""
    return prepare(Scoped(graph.net, "resize").eval(), setting, exported)


def _warm_up(graph: Scoped, image: Tensor) -> None:
    """On a stream of its own, as a recording has."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(_WARM_UP):
            graph(image)
    torch.cuda.current_stream().wait_stream(side)
