"""Peak memory and time of one attention block on one map, in a process of its own.

Run as `python -m bench.cost.attention_pass REQUEST`, a JSON object of `PassRequest`'s fields; prints a
JSON object of `PassResult`'s and leaves the output of the block in a file.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor, nn

from bench.cost.attention_mode import AttentionMode
from bench.cost.attention_setting import Setting
from variants.context import CONTEXTS, build_context

SMALL_SIDE = 8
"""Of the map of the pass that loads libraries, before memory is looked at."""
HEADS = 2
SMALLEST = {"transformer_depth": 1, "transformer_heads": HEADS, "transformer_ffn_ratio": 2}
"""Values of the axes that have no default."""


@dataclass(frozen=True, kw_only=True)
class PassRequest:
    """What to run: a block on a map of `map_size` (height, width); plain: with the matrix of all pairs."""

    block: str
    plain: bool
    map_size: tuple[int, int]
    setting: Setting
    output: str


@dataclass(frozen=True, kw_only=True)
class PassResult:
    """Peak memory of the first pass above the level before it, in bytes; times of those after it, in ms."""

    peak_bytes: int
    median_ms: float
    fastest_ms: float
    slowest_ms: float


class PlainAttention(AttentionMode):
    """Within it, attention is the formula written out: softmax(scale q k^T) v, with the whole matrix held."""

    def attend(self, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """The blocks here give a scale and neither mask nor dropout."""
        weights: Tensor = (kwargs["scale"] * query @ key.transpose(-1, -2)).softmax(dim=-1)
        return weights @ value


def make_block(name: str, channels: int, seed: int = 0) -> nn.Module:
    """A block with the same weights in every process that asks for it."""
    torch.manual_seed(seed)
    options = {
        axis.name: axis.default if axis.default is not None else SMALLEST[axis.name] for axis in CONTEXTS[name].axes
    }
    return build_context(name, channels, options)


def measure_pass(request: PassRequest) -> PassResult:
    """Run the block and save its output as float32 under `request.output`."""
    setting = request.setting
    torch.set_num_threads(setting.threads)
    block = make_block(request.block, setting.channels).to(setting.device).train(setting.backward)
    x = torch.randn(1, setting.channels, *request.map_size).to(setting.device).requires_grad_(setting.backward)
    mode = PlainAttention() if request.plain else nullcontext()
    meter = _CudaMemory() if setting.device == "cuda" else _ProcessMemory()
    with mode, torch.set_grad_enabled(setting.backward):
        _run(block, x[..., :SMALL_SIDE, :SMALL_SIDE], setting.backward)
        meter.start()
        output = _run(block, x, setting.backward)
        peak = meter.peak()
        torch.save(output.cpu(), request.output)
        times = [_milliseconds(lambda: _run(block, x, setting.backward), setting.device) for _ in range(setting.passes)]
    return PassResult(peak_bytes=peak, median_ms=statistics.median(times), fastest_ms=min(times), slowest_ms=max(times))


def _run(block: nn.Module, x: Tensor, backward: bool) -> Tensor:
    output: Tensor = block(x)
    if backward:
        torch.autograd.backward(output.square().mean())
    return output.detach()


def _milliseconds(run: Callable[[], Tensor], device: str) -> float:
    wait: Callable[[], None] = torch.cuda.synchronize if device == "cuda" else _no_wait
    wait()
    start = time.perf_counter_ns()
    run()
    wait()
    return (time.perf_counter_ns() - start) / 1e6


def _no_wait() -> None:
    """On the CPU a pass is over when it returns."""


class _ProcessMemory:
    """Highest resident memory of this process above that at the start, in bytes."""

    def start(self) -> None:
        self.level = psutil.Process().memory_info().rss

    def peak(self) -> int:
        return max(0, _highest_resident() - self.level)


def _highest_resident() -> int:
    """Linux' own figure where there is one: getrusage's also holds that of the process that started this one."""
    status = Path("/proc/self/status")
    if status.is_file():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        if "VmHWM" in lines:
            return int(lines["VmHWM"].split()[0]) * 1024
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return highest if sys.platform == "darwin" else highest * 1024


class _CudaMemory:
    """Highest allocated memory of the GPU above that at the start, in bytes."""

    def start(self) -> None:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        self.level = torch.cuda.memory_allocated()

    def peak(self) -> int:
        return torch.cuda.max_memory_allocated() - self.level


def read_request(text: str) -> PassRequest:
    """The request of a JSON object of its fields."""
    fields = json.loads(text)
    given = {"map_size": tuple(fields["map_size"]), "setting": Setting(**fields["setting"])}
    return PassRequest(**fields | given)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(measure_pass(read_request(sys.argv[1])))))
