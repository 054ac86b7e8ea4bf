"""In which precision a device trains fastest without another loss: bfloat16 where it multiplies that in hardware."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from bench.accuracy.depthwise import DepthwiseConv

TrainPrecision = Literal["float32", "bfloat16"]
TrainingWay = tuple[str, TrainPrecision]
"""Device and precision of a training."""
TRAINING_WAYS: tuple[TrainingWay, ...] = (
    ("cuda", "bfloat16"), ("cuda", "float32"), ("cpu", "bfloat16"), ("cpu", "float32"),
)  # fmt: skip
"""Of trainings, by any machine."""
_FAST_KERNEL, _LARGEST_KERNEL = 3, 5
"""Sides of kernels: up to which gradients are fast in bfloat16 anyway, and up to which they are as depthwise ones."""


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
    if precision == "float32":
        yield
    elif device == "cpu":
        with torch.autocast("cpu", dtype=torch.bfloat16), _GroupedConvolutions():
            yield
    else:
        with torch.autocast(device, dtype=torch.bfloat16):
            yield


class _GroupedConvolutions(TorchFunctionMode):
    """Those whose gradients are slow in bfloat16 go another way (torch 2.15, oneDNN on AMX).

    Depthwise ones up to 5x5 as `bench.accuracy.depthwise` has them; the other grouped ones of stride 2 or of kernels
    above 3x3 in float32, where their gradients take a quarter to a tenth of the time.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is not torch.conv2d:
            return func(*args, **kwargs)
        call = _Conv2d(*args, **kwargs)
        if not call.is_slow:
            return func(*args, **kwargs)
        with torch.autocast("cpu", enabled=False):
            return call.depthwise() if call.is_small_depthwise else call.in_float32()


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
    def is_slow(self) -> bool:
        return self.groups > 1 and (max(_pair(self.stride)) > 1 or max(self.weight.shape[2:]) > _FAST_KERNEL)

    @property
    def is_small_depthwise(self) -> bool:
        channels, per_group, *kernel = self.weight.shape
        return (
            channels == self.groups and per_group == 1 and kernel[0] == kernel[1] <= _LARGEST_KERNEL
            and _pair(self.dilation) == (1, 1) and not isinstance(self.padding, str)
        )  # fmt: skip

    def depthwise(self) -> Tensor:
        assert not isinstance(self.padding, str)
        image, weight = self.input.to(torch.bfloat16), self.weight.to(torch.bfloat16)
        out: Tensor = DepthwiseConv.apply(image, weight, _pair(self.stride), _pair(self.padding))
        return out if self.bias is None else out + self.bias.to(torch.bfloat16)[:, None, None]

    def in_float32(self) -> Tensor:
        rest: tuple[Any, ...] = (self.bias, self.stride, self.padding, self.dilation, self.groups)
        return torch.conv2d(self.input.float(), self.weight, *rest).to(torch.bfloat16)


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    rows, columns = value if len(value) == 2 else (value[0], value[0])
    return rows, columns
