"""In which precision a device trains fastest without another loss: bfloat16 where it multiplies that in hardware."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch.overrides import TorchFunctionMode

TrainPrecision = Literal["float32", "bfloat16"]
TrainingWay = tuple[str, TrainPrecision]
"""Device and precision of a training."""
TRAINING_WAYS: tuple[TrainingWay, ...] = (
    ("cuda", "bfloat16"), ("cuda", "float32"), ("cpu", "bfloat16"), ("cpu", "float32"),
)  # fmt: skip
"""Of trainings, by any machine."""
_GROUPS = 6
"""Place of the groups among the arguments of `torch.conv2d`."""


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
        with torch.autocast("cpu", dtype=torch.bfloat16), _GroupedInFloat32():
            yield
    else:
        with torch.autocast(device, dtype=torch.bfloat16):
            yield


class _GroupedInFloat32(TorchFunctionMode):
    """Depthwise and grouped convolutions of stride 2 or of kernels above 3x3 in float32.

    On the CPU their gradients take four to ten times as long in bfloat16 (torch 2.15, oneDNN on AMX), which costs more
    than all other layers gain by it.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is not torch.conv2d or not _is_slow(args, kwargs):
            return func(*args, **kwargs)
        with torch.autocast("cpu", enabled=False):
            out = func(args[0].float(), *args[1:], **kwargs)
        return out.to(torch.bfloat16)


def _is_slow(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    groups = args[_GROUPS] if len(args) > _GROUPS else kwargs.get("groups", 1)
    if groups == 1 or len(args) < 2:
        return False
    stride = args[3] if len(args) > 3 else kwargs.get("stride", 1)
    strides = (stride,) if isinstance(stride, int) else tuple(stride)
    return bool(max(strides) > 1 or max(args[1].shape[2:]) > 3)
