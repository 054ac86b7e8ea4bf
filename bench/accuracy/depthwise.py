"""Depthwise convolutions with wide kernels whose gradient is not slow on the CPU.

oneDNN's gradient of the weights is fast for kernels up to three columns wide and of any height; from four columns on it
takes 5 to 15 times as long for each multiply-add (torch 2.15; AVX2, AVX-512 and AMX alike), which for a light network
of 5x5 kernels is a sixth of a training step. Here it is put together from kernels of three columns and fewer.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

FAST_COLUMNS = 3
"""Width of the widest kernel whose weight gradient is fast."""
Pair = tuple[int, int]


class DepthwiseConv(torch.autograd.Function):
    """(N, C, H, W) and (C, 1, K, L), both float32, to what `torch.conv2d` gives of them with C groups and no bias."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> Tensor:
        """By torch itself. stride, padding: of rows and of columns."""
        ctx.save_for_backward(image, weight)
        ctx.stride, ctx.padding = stride, padding
        return torch.conv2d(image, weight, None, stride, padding, 1, len(weight))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        """Gradients of the image and of the weights: torch's own, but for the order in which they are added up."""
        image, weight = ctx.saved_tensors
        of_image = of_weight = None
        if ctx.needs_input_grad[0]:
            of_image = _gradients(grad, image, weight, ctx.stride, ctx.padding, (True, False))[0]
        if ctx.needs_input_grad[1]:
            of_weight = _of_weight(grad, image, weight, ctx.stride, ctx.padding)
        return of_image, of_weight, None, None


def _of_weight(grad: Tensor, image: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> Tensor:
    """Some columns of the kernel at a time, with what these see of the image and of the zeros around it."""
    parts: list[Tensor] = []
    for columns in torch.split(weight, FAST_COLUMNS, dim=3):
        first = sum(part.shape[3] for part in parts) - padding[1]
        end = first + (grad.shape[3] - 1) * stride[1] + columns.shape[3]
        beside = (-first, end - image.shape[3], padding[0], padding[0])  # where negative, columns are left out
        parts.append(_gradients(grad, F.pad(image, beside), columns, stride, (0, 0), (False, True))[1])
    return torch.cat(parts, dim=3)


def _gradients(
    grad: Tensor, image: Tensor, weight: Tensor, stride: Pair, padding: Pair, wanted: tuple[bool, bool]
) -> list[Tensor]:
    """Of the image and of the weight."""
    both: list[Tensor] = torch.ops.aten.convolution_backward(
        grad, image, weight, None, stride, padding, (1, 1), False, (0, 0), len(weight), (*wanted, False)
    )
    return both
