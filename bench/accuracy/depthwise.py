"""Depthwise convolutions in bfloat16 whose gradients are not slow on the CPU.

Of kernels of 5x5 and of stride 2, oneDNN's own gradients in bfloat16 take ten to fifty times as long as they need to
(torch 2.15, processors with AMX). Here those of the input go through float32 where the stride is 2, and those of the
weights are put together from those of 3x3 windows of the kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

_WINDOW = 3
"""Side of the largest kernel whose weight gradient is fast."""
Pair = tuple[int, int]


class DepthwiseConv(torch.autograd.Function):
    """(N, C, H, W) and (C, 1, K, K), both bfloat16, to what `torch.conv2d` gives of them with C groups."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> Tensor:
        """As `torch.conv2d` without bias."""
        ctx.save_for_backward(image, weight)
        ctx.stride, ctx.padding = stride, padding
        return torch.conv2d(image, weight, None, stride, padding, 1, len(weight))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        """Gradients of the image and of the weights."""
        image, weight = ctx.saved_tensors
        of_image = _of_image(grad, image, weight, ctx.stride, ctx.padding) if ctx.needs_input_grad[0] else None
        of_weight = _of_weight(grad, image, weight, ctx.stride, ctx.padding) if ctx.needs_input_grad[1] else None
        return of_image, of_weight, None, None


def _of_image(grad: Tensor, image: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> Tensor:
    if max(stride) == 1:
        return _gradient(grad, image, weight, stride, padding, of_image=True)
    like = torch.empty_like(image, dtype=torch.float32)  # of which the size alone is looked at
    return _gradient(grad.float(), like, weight.float(), stride, padding, of_image=True).to(image.dtype)


def _of_weight(grad: Tensor, image: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> Tensor:
    """Put together from windows of the kernel. With stride 2 each sees every other row and column, in steps of one."""
    size = weight.shape[2]
    if size <= _WINDOW:
        return _gradient(grad, image, weight, stride, padding, of_image=False)
    height, width = grad.shape[2:]
    image = F.pad(image, (padding[1], padding[1], padding[0], padding[0]))
    of_weight = torch.empty_like(weight)
    for rows in _windows(size, stride[0]):
        for columns in _windows(size, stride[1]):
            last_row, last_column = rows[-1] + (height - 1) * stride[0], columns[-1] + (width - 1) * stride[1]
            seen = image[:, :, rows[0] : last_row + 1 : stride[0], columns[0] : last_column + 1 : stride[1]]
            window = (slice(None), slice(None), _as_slice(rows, stride[0]), _as_slice(columns, stride[1]))
            of_weight[window] = _gradient(grad, seen, weight[window], (1, 1), (0, 0), of_image=False)
    return of_weight


def _windows(size: int, stride: int) -> Iterator[range]:
    """Places of the kernel along one side, three or fewer at a time, which all see the same phase; all are covered.

    Of the two windows of a phase some places are in both; they hold up to six places, and so kernels up to 6x6.
    """
    for phase in range(min(stride, size)):
        places = range(phase, size, stride)
        for start in sorted({0, max(0, len(places) - _WINDOW)}):
            yield places[start : start + _WINDOW]


def _as_slice(places: range, step: int) -> slice:
    return slice(places[0], places[-1] + 1, step)


def _gradient(grad: Tensor, image: Tensor, weight: Tensor, stride: Pair, padding: Pair, of_image: bool) -> Tensor:
    both: list[Tensor] = torch.ops.aten.convolution_backward(
        grad, image, weight, None, stride, padding, (1, 1), False, (0, 0), len(weight), (of_image, not of_image, False)
    )
    return both[0 if of_image else 1]
