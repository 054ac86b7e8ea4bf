"""Output shapes of operators that torch works out slowly on the meta device, where it walks through a decomposition.

Resizing, batch norm and clipping made nine tenths of the time of a pass. Each function gives what torch gives, or
NotImplemented where it does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch._prims_common import suggest_memory_format

_aten = torch.ops.aten


def _same(x: Tensor, *_: Any, **__: Any) -> Tensor:
    return torch.empty_like(x)


def _add(x: Any, y: Any, *_: Any, **__: Any) -> Any:
    """Of two alike; anything that is broadcast or mixes types is torch's."""
    alike = isinstance(y, Tensor) and x.shape == y.shape and x.stride() == y.stride() and x.dtype == y.dtype
    return torch.empty_like(x) if alike else NotImplemented


def _in_place(x: Tensor, *_: Any, **__: Any) -> Tensor:
    return x


def _batch_norm(x: Tensor, weight: Any, bias: Any, mean: Any, variance: Any, training: bool, *_: Any) -> Any:
    """The statistics of the batch come out empty in evaluation."""
    if training:
        return NotImplemented
    return torch.empty_like(x), x.new_empty(0), x.new_empty(0)


def _resize(x: Tensor, size: list[int], *_: Any) -> Tensor:
    return torch.empty(
        (x.shape[0], x.shape[1], *size), dtype=x.dtype, device=x.device, memory_format=suggest_memory_format(x)
    )


SHAPES: dict[OpOverload, Callable[..., Any]] = {
    _aten.add.Tensor: _add,
    _aten.native_batch_norm.default: _batch_norm,
    _aten.upsample_bilinear2d.default: _resize,
    _aten.hardtanh.default: _same,
    _aten.hardtanh_.default: _in_place,
    _aten.hardswish.default: _same,
    _aten.hardswish_.default: _in_place,
    _aten.hardsigmoid.default: _same,
    _aten.hardsigmoid_.default: _in_place,
    _aten.gelu.default: _same,
    _aten.silu.default: _same,
    _aten.silu_.default: _in_place,
    _aten.sigmoid.default: _same,
    _aten.sigmoid_.default: _in_place,
    _aten.relu.default: _same,
    _aten.relu_.default: _in_place,
}
