"""Semantic FPN decoder. Kirillov et al., "Panoptic Feature Pyramid Networks", CVPR 2019.

Laid out as in the segmentation code that VAN was published with: 1x1 laterals, 3x3 outputs, a
head that brings every level to 1/4 by 3x3 convolutions and sums them there. Two lighter heads beside it.
"""

from __future__ import annotations

from functools import reduce
from typing import cast

import torch
from torch import Tensor, nn

from variants.layers import conv_norm_relu, resize, spatial_size

DROPOUT = 0.1


class FPN(nn.Module):
    """Feature pyramid: laterals, top-down sum, 3x3 outputs; every level `width` channels."""

    def __init__(self, channels: tuple[int, ...], width: int, refined_channels: int | None = None) -> None:
        """`refined_channels`: of a map that enters at every level; None where there is none."""
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(c, width, 1) for c in channels)
        self.outputs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in channels)
        self.refined_lateral = nn.Conv2d(refined_channels, width, 1, bias=False) if refined_channels else None

    def forward(self, stages: list[Tensor], refined: Tensor | None = None) -> list[Tensor]:
        """F1..F4 (N, C_i, h_i, w_i) and perhaps a refined map of any size -> P1..P4 (N, width, h_i, w_i).

        The refined map is projected once, at its own size, and added to the lateral of every level: a
        1x1 convolution and a bilinear resize may change places, and so this equals, at less cost, the
        laterals of the stages concatenated with it.
        """
        levels = [lateral(x) for lateral, x in zip(self.laterals, stages, strict=True)]
        if self.refined_lateral is not None and refined is not None:
            added = self.refined_lateral(refined)
            levels = [level + resize(added, spatial_size(level)) for level in levels]
        for i in range(len(levels) - 2, -1, -1):
            levels[i] = levels[i] + resize(levels[i + 1], spatial_size(levels[i]))
        return [output(level) for output, level in zip(self.outputs, levels, strict=True)]


class SumHead(nn.Module):
    """Brings P1..P4 to 1/4, sums them, classifies every pixel of the 1/4 map."""

    def __init__(self, width: int, head_width: int, num_classes: int, levels: int = 4) -> None:
        super().__init__()
        self.branches = nn.ModuleList(_branch(width, head_width, doublings) for doublings in range(levels))
        self.classify = _classifier(head_width, num_classes)

    def forward(self, levels: list[Tensor]) -> Tensor:
        """P1..P4 (N, width, h_i, w_i) -> logits (N, num_classes, h_1, w_1)."""
        total = self._climb(levels, 0)
        for i in range(1, len(levels)):
            total = total + self._climb(levels, i)
        logits: Tensor = self.classify(total)
        return logits

    def _climb(self, levels: list[Tensor], i: int) -> Tensor:
        """Level i to the size of level 0: one convolution and one doubling a step."""
        x = levels[i]
        branch = cast(nn.ModuleList, self.branches[i])
        for step, conv in enumerate(branch):
            x = conv(x)
            if i > 0:
                x = resize(x, spatial_size(levels[i - 1 - step]))
        return x


class ConcatHead(nn.Module):
    """Every level by a 1x1 convolution to `head_width`, concatenated at 1/4, fused by another 1x1.

    As the all-MLP head of Xie et al., "SegFormer", NeurIPS 2021.
    """

    def __init__(self, width: int, head_width: int, num_classes: int, levels: int = 4) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Conv2d(width, head_width, 1) for _ in range(levels))
        self.fuse = conv_norm_relu(levels * head_width, head_width, 1)
        self.classify = _classifier(head_width, num_classes)

    def forward(self, levels: list[Tensor]) -> Tensor:
        """P1..P4 (N, width, h_i, w_i) -> logits (N, num_classes, h_1, w_1)."""
        size = spatial_size(levels[0])
        maps = [resize(branch(x), size) for branch, x in zip(self.branches, levels, strict=True)]
        logits: Tensor = self.classify(self.fuse(torch.cat(maps, dim=1)))
        return logits


class PlainHead(nn.Module):
    """The levels summed at 1/4 as they are, and a 1x1 classifier."""

    def __init__(self, width: int, num_classes: int) -> None:
        super().__init__()
        self.classify = _classifier(width, num_classes)

    def forward(self, levels: list[Tensor]) -> Tensor:
        """P1..P4 (N, width, h_i, w_i) -> logits (N, num_classes, h_1, w_1)."""
        size = spatial_size(levels[0])
        logits: Tensor = self.classify(reduce(torch.add, [resize(x, size) for x in levels]))
        return logits


def build_head(kind: str, width: int, head_width: int | None, num_classes: int) -> SumHead | ConcatHead | PlainHead:
    """The head of an axis value: sum, concat or plain."""
    if kind == "plain" or head_width is None:
        return PlainHead(width, num_classes)
    return (SumHead if kind == "sum" else ConcatHead)(width, head_width, num_classes)


def _classifier(width: int, num_classes: int) -> nn.Module:
    return nn.Sequential(nn.Dropout2d(DROPOUT), nn.Conv2d(width, num_classes, 1))


def _branch(width: int, head_width: int, doublings: int) -> nn.ModuleList:
    """The convolutions of one level: one for each doubling, and at least one."""
    inputs = [width] + [head_width] * (max(1, doublings) - 1)
    return nn.ModuleList(conv_norm_relu(c, head_width, kernel=3) for c in inputs)
