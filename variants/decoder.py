"""Semantic FPN decoder. Kirillov et al., "Panoptic Feature Pyramid Networks", CVPR 2019.

Laid out as in the segmentation code that VAN was published with: 1x1 laterals, 3x3 outputs, a
head that brings every level to 1/4 by 3x3 convolutions and sums them there.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from variants.layers import conv_bn_relu, resize, spatial_size

DROPOUT = 0.1


class FPN(nn.Module):
    """Feature pyramid: laterals, top-down sum, 3x3 outputs; every level `width` channels."""

    def __init__(self, channels: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(c, width, 1) for c in channels)
        self.outputs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in channels)

    def forward(self, stages: list[Tensor]) -> list[Tensor]:
        """F1..F4 (N, C_i, h_i, w_i) -> P1..P4 (N, width, h_i, w_i)."""
        levels = [lateral(x) for lateral, x in zip(self.laterals, stages, strict=True)]
        for i in range(len(levels) - 2, -1, -1):
            levels[i] = levels[i] + resize(levels[i + 1], spatial_size(levels[i]))
        return [output(level) for output, level in zip(self.outputs, levels, strict=True)]


class SumHead(nn.Module):
    """Brings P1..P4 to 1/4, sums them, classifies every pixel of the 1/4 map."""

    def __init__(self, width: int, head_width: int, num_classes: int, levels: int = 4) -> None:
        super().__init__()
        self.branches = nn.ModuleList(_branch(width, head_width, doublings) for doublings in range(levels))
        self.classify = nn.Sequential(nn.Dropout2d(DROPOUT), nn.Conv2d(head_width, num_classes, 1))

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


def _branch(width: int, head_width: int, doublings: int) -> nn.ModuleList:
    """The convolutions of one level: one for each doubling, and at least one."""
    inputs = [width] + [head_width] * (max(1, doublings) - 1)
    return nn.ModuleList(conv_bn_relu(c, head_width, kernel=3) for c in inputs)
