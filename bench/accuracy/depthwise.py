"""Depthwise convolutions with wide kernels whose gradient is not slow on the CPU.

oneDNN's gradient of the weights is fast for kernels up to three columns wide and of any height; from four columns on it
takes 5 to 15 times as long for each multiply-add (torch 2.15; AVX2, AVX-512 and AMX alike), which for a light network
of 5x5 kernels is a sixth of a training step. Here it is put together from kernels of three columns and fewer.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

FAST_COLUMNS = 3
"""Width of the widest kernel whose weight gradient is fast."""
Pair = tuple[int, int]


class DepthwiseConv(torch.autograd.Function):
    """What `torch.conv2d` gives of (N, C, H, W) and (C, 1, K, L) with C groups and no bias, in the type of the latter.

    The image may be of a shorter type: it is kept as it is, and only ever made longer for the one pass that reads it.
    """

    @staticmethod
    def forward(ctx: Any, image: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> Tensor:
        """By torch itself. stride, padding: of rows and of columns."""
        ctx.save_for_backward(image, weight)
        ctx.stride, ctx.padding = stride, padding
        return torch.conv2d(image.to(weight.dtype), weight, None, stride, padding, 1, len(weight))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        """Gradients of the image and of the weights: torch's own, but for the order in which they are added up."""
        image, weight = ctx.saved_tensors
        of_image = of_weight = None
        if ctx.needs_input_grad[0]:
            like_image = torch.empty_like(image, dtype=weight.dtype)  # of which nothing but its shape is read
            both = _gradients(
                grad, like_image, weight=weight, stride=ctx.stride, padding=ctx.padding, wanted=(True, False)
            )
            of_image = both[0].to(image.dtype)
        if ctx.needs_input_grad[1]:
            of_weight = _of_weight(grad, image, weight=weight, stride=ctx.stride, padding=ctx.padding)
        return of_image, of_weight, None, None


def _of_weight(grad: Tensor, image: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> Tensor:
    """Some columns of the kernel at a time."""
    beyond = weight.shape[3] - FAST_COLUMNS
    parts = _of_both_ends if beyond == padding[1] <= FAST_COLUMNS else _of_narrow_ones
    return torch.cat(parts(grad, image, weight, stride, padding), dim=3)


def _of_both_ends(grad: Tensor, image: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> list[Tensor]:
    """Of the first columns and of the last, which between them are all.

    Both see the image with as many zeros beside it as lie between their starts, these ones on the left and those on the
    right. Where a row's zeros on the right are the next row's on the left, both are one piece of memory.
    """
    count, channels, height, width = image.shape
    beside = padding[1]
    size = (count, height + 2 * padding[0], beside + width, channels)
    memory = grad.new_empty(math.prod(size) + beside * channels)
    on_the_left, on_the_right = memory[: math.prod(size)].view(size), memory[beside * channels :].view(size)
    rows = slice(padding[0], padding[0] + height)
    on_the_left[:, : rows.start].zero_()
    on_the_left[:, rows.stop :].zero_()
    on_the_left[:, rows, :beside].zero_()
    on_the_left[:, rows, beside:].copy_(image.permute(0, 2, 3, 1))
    memory[-beside * channels :].zero_()
    ends = (on_the_left, weight[..., :FAST_COLUMNS]), (on_the_right, weight[..., beside:])
    first, last = (
        _gradients(
            grad, padded.permute(0, 3, 1, 2), weight=columns, stride=stride, padding=(0, 0), wanted=(False, True)
        )[1]
        for padded, columns in ends
    )
    return [first, last[..., FAST_COLUMNS - beside :]]


def _of_narrow_ones(grad: Tensor, image: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> list[Tensor]:
    """Of so many columns as are fast after another, with what these see of the image and of the zeros around it."""
    image = image.to(weight.dtype)
    parts: list[Tensor] = []
    for columns in torch.split(weight, FAST_COLUMNS, dim=3):
        first = sum(part.shape[3] for part in parts) - padding[1]
        end = first + (grad.shape[3] - 1) * stride[1] + columns.shape[3]
        beside = (-first, end - image.shape[3], padding[0], padding[0])  # where negative, columns are left out
        parts.append(
            _gradients(grad, F.pad(image, beside), weight=columns, stride=stride, padding=(0, 0), wanted=(False, True))[
                1
            ]
        )
    return parts


def _gradients(
    grad: Tensor, image: Tensor, weight: Tensor, stride: Pair, padding: Pair, wanted: tuple[bool, bool]
) -> list[Tensor]:
    """Of the image and of the weight."""
    both: list[Tensor] = torch.ops.aten.convolution_backward(
        grad, image, weight, None, stride, padding, (1, 1), False, (0, 0), len(weight), (*wanted, False)
    )
    return both
