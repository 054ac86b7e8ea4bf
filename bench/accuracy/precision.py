"""In which precision a device trains fastest without another loss: bfloat16 where it multiplies that in hardware."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from bench.accuracy.depthwise import FAST_COLUMNS, DepthwiseConv
from bench.settings.accuracy import TrainingWay, TrainPrecision

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


def autocast(device: str, precision: TrainPrecision) -> torch.autocast:
    """Forward passes inside run in the precision; weights, losses and the optimizer stay in float32."""
    return torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bfloat16")


@contextmanager
def fast_gradients(device: str, *nets: nn.Module) -> Iterator[None]:
    """Convolutions of some groups go the way whose gradient is fast on the CPU (torch 2.15, oneDNN).

    Under autocast, those of stride 2 or with kernels above 3x3 stay in float32: their gradients in bfloat16 take four
    to ten times as long, which costs more than all other layers gain by it. The rest of the networks is left alone: a
    mode that sees every operator takes a fortieth of a step.
    """
    slow = [module for net in nets for module in net.modules() if _is_slow(module)] if device == "cpu" else []
    with ExitStack() as stack:
        for module in slow:
            mode = _FastGradients()
            stack.callback(module.register_forward_pre_hook(mode.begin).remove)
            stack.callback(module.register_forward_hook(mode.end, always_call=True).remove)
        yield


def _is_slow(module: nn.Module) -> bool:
    return (
        isinstance(module, nn.Conv2d)
        and module.groups > 1
        and (max(module.stride) > 1 or max(module.kernel_size) > _FAST_IN_BFLOAT16)
    )


class _FastGradients(TorchFunctionMode):
    """Within the pass of a module."""

    def begin(self, *_: Any) -> None:
        """Before the pass."""
        self.__enter__()  # type: ignore[no-untyped-call]

    def end(self, *_: Any) -> None:
        """After it."""
        self.__exit__(None, None, None)  # type: ignore[no-untyped-call]

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is not torch.conv2d:
            return func(*args, **(kwargs or {}))
        call = _Conv2d(*args, **(kwargs or {}))
        if not torch.is_autocast_enabled("cpu"):
            return call.in_float32() if call.is_wide_depthwise else func(*args, **(kwargs or {}))
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
    def is_wide_depthwise(self) -> bool:
        channels, per_group, _, columns = self.weight.shape
        return (
            channels == self.groups
            and per_group == 1
            and columns > FAST_COLUMNS
            and pair(self.dilation) == (1, 1)
            and not isinstance(self.padding, str)
        )

    def in_float32(self) -> Tensor:
        if not self.is_wide_depthwise:
            image = self.input.float()
            return torch.conv2d(image, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
        assert not isinstance(self.padding, str)
        out: Tensor = DepthwiseConv.apply(self.input, self.weight, pair(self.stride), pair(self.padding))
        return out if self.bias is None else out + self.bias[:, None, None]


def pair(value: int | Sequence[int]) -> tuple[int, int]:
    """Of rows and of columns, as torch reads it: a single value is that of both."""
    rows, columns = (value, value) if isinstance(value, int) else (value[0], value[-1])
    return rows, columns
