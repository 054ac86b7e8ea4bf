"""What this machine's CPU can do at most: multiply-adds and bytes a second, measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch.nn import functional as F

_SIDE = 1536
"""Of the square matrices: 3.6 G multiply-adds a product."""
_CHANNELS, _MAP = 128, 96
"""Of the 3x3 convolution: 1.4 G multiply-adds."""
_STREAM = 64_000_000
"""Numbers in each array of the sum: 256 MB, many times what caches hold."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One kernel, timed several times: how much it does in a run (`unit`), and the seconds of each run."""

    kernel: str
    unit: str
    amount: float
    seconds: list[float]

    @property
    def best(self) -> float:
        """Amount a second in the fastest run: other work on the machine only ever slows one down."""
        return self.amount / min(self.seconds)

    @property
    def slowest(self) -> float:
        """Amount a second in the slowest run."""
        return self.amount / max(self.seconds)


def calibrate(threads: int, repeats: int) -> Iterator[Trial]:
    """Time a matrix product, a convolution and the sum of two arrays, in float32 on the CPU."""
    torch.set_num_threads(threads)
    with torch.inference_mode():
        yield _matrix_product(repeats)
        yield _convolution(repeats)
        yield _sum_of_arrays(repeats)


def _matrix_product(repeats: int) -> Trial:
    a, b, out = (torch.rand(_SIDE, _SIDE) for _ in range(3))
    return Trial(
        kernel="matrix product",
        unit="MACs",
        amount=float(_SIDE**3),
        seconds=_time(lambda: torch.mm(a, b, out=out), repeats),
    )


def _convolution(repeats: int) -> Trial:
    image = torch.rand(1, _CHANNELS, _MAP, _MAP).contiguous(memory_format=torch.channels_last)
    weight = torch.rand(_CHANNELS, _CHANNELS, 3, 3).contiguous(memory_format=torch.channels_last)
    amount = float(_MAP**2 * _CHANNELS**2 * 9)
    return Trial(
        kernel="3x3 convolution",
        unit="MACs",
        amount=amount,
        seconds=_time(lambda: F.conv2d(image, weight, padding=1), repeats),
    )


def _sum_of_arrays(repeats: int) -> Trial:
    """Two arrays read, one written; a processor that first reads what it writes moves a third more."""
    a, b, out = (torch.ones(_STREAM) for _ in range(3))
    return Trial(
        kernel="sum of two arrays",
        unit="bytes",
        amount=3.0 * 4 * _STREAM,
        seconds=_time(lambda: torch.add(a, b, out=out), repeats),
    )


def _time(run: Callable[[], object], repeats: int) -> list[float]:
    run()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return seconds
