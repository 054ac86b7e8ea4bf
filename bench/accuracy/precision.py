"""In which precision a device trains fastest without another loss: bfloat16 where it multiplies that in hardware."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from bench.accuracy.depthwise import FAST_COLUMNS, DepthwiseConv

TrainPrecision = Literal["float32", "bfloat16"]
TrainingWay = tuple[str, TrainPrecision]
"""Device and precision of a training."""
TRAINING_WAYS: tuple[TrainingWay, ...] = (
    ("cuda", "bfloat16"), ("cuda", "float32"), ("cpu", "bfloat16"), ("cpu", "float32"),
)  # fmt: skip
"""Of trainings, by any machine."""
_FAST_IN_BFLOAT16 = 3
"""Side of the largest depthwise kernel whose gradients are."""


def fastest_precision(device: str) -> TrainPrecision:
    """bfloat16 on processors with AMX or AVX512-BF16 and on GPUs that have it, float32 elsewhere."""
    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    has_it = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return "bfloat16" if has_it else "float32"


def own_way() -> TrainingWay:
    """How this machine trains."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return device, fastest_precision(device)


@contextmanager
def autocast(device: str, precision: TrainPrecision) -> Iterator[None]:
    """Forward passes inside run in the precision; weights, losses and the optimizer stay in float32."""
    with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
        if device == "cpu":
            with _FastGradients(precision):
                yield
        else:
            yield


class _FastGradients(TorchFunctionMode):
    """Convolutions of some groups by the way whose gradient is fast on the CPU (torch 2.15, oneDNN).

    Of stride 2 or with kernels above 3x3 they stay in float32: their gradients in bfloat16 take four to ten times as
    long, which costs more than all other layers gain by it.
    """

    def __init__(self, precision: TrainPrecision) -> None:
        super().__init__()
        self.precision = precision

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is not torch.conv2d:
            return func(*args, **(kwargs or {}))
        call = _Conv2d(*args, **(kwargs or {}))
        if self.precision == "float32":
            return call.in_float32() if call.is_wide_depthwise else func(*args, **(kwargs or {}))
        if not call.is_slow_in_bfloat16:
            return func(*args, **(kwargs or {}))
        with torch.autocast("cpu", enabled=False):
            return call.in_float32().to(torch.bfloat16)


@dataclass(frozen=True)
class _Conv2d:
    """The arguments of `torch.conv2d`."""

    input: Tensor
    weight: Tensor
    bias: Tensor | None = None
    stride: int | Sequence[int] = 1
    padding: int | Sequence[int] | str = 0
    dilation: int | Sequence[int] = 1
    groups: int = 1

    @property
    def is_slow_in_bfloat16(self) -> bool:
        return self.groups > 1 and (max(pair(self.stride)) > 1 or max(self.weight.shape[2:]) > _FAST_IN_BFLOAT16)

    @property
    def is_wide_depthwise(self) -> bool:
        channels, per_group, _, columns = self.weight.shape
        return (
            channels == self.groups and per_group == 1 and columns > FAST_COLUMNS
            and pair(self.dilation) == (1, 1) and not isinstance(self.padding, str)
        )  # fmt: skip

    def in_float32(self) -> Tensor:
        image = self.input.float()
        if not self.is_wide_depthwise:
            return torch.conv2d(image, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
        assert not isinstance(self.padding, str)
        out: Tensor = DepthwiseConv.apply(image, self.weight, pair(self.stride), pair(self.padding))
        return out if self.bias is None else out + self.bias[:, None, None]


def pair(value: int | Sequence[int]) -> tuple[int, int]:
    """Of rows and of columns, as torch reads it: a single value is that of both."""
    rows, columns = (value, value) if isinstance(value, int) else (value[0], value[-1])
    return rows, columns
