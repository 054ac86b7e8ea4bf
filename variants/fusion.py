"""From several stages to one map: unify their sizes, then fuse them."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from variants.layers import conv_norm_relu, resize


class Unify(nn.Module):
    """Brings one stage to the size of the target: finer ones are pooled, coarser ones enlarged bilinearly."""

    def __init__(self, how: str, channels: int, halvings: int) -> None:
        """`halvings`: how often the stage's sides are halved; 0 or less: it is not finer than the target."""
        super().__init__()
        self.how = how if halvings > 0 else "none"
        strided = max(0, halvings) if how == "conv" else 0
        self.strided = nn.Sequential(*(conv_norm_relu(channels, channels, 3, stride=2) for _ in range(strided)))

    def forward(self, stage: Tensor, size: tuple[int, int]) -> Tensor:
        """(N, C, h, w) -> (N, C, *size)."""
        if self.how == "avg":
            return F.adaptive_avg_pool2d(stage, size)
        if self.how == "max":
            return F.adaptive_max_pool2d(stage, size)
        return resize(self.strided(stage), size)


class ConcatFusion(nn.Module):
    """Concatenation, then a convolution to `width` channels unless kernel is 0."""

    def __init__(self, channels: list[int], width: int, kernel: int) -> None:
        super().__init__()
        self.convolve = conv_norm_relu(sum(channels), width, kernel) if kernel else nn.Identity()

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Maps (N, C_i, h, w) -> (N, width, h, w)."""
        fused: Tensor = self.convolve(torch.cat(maps, dim=1))
        return fused


class SumFusion(nn.Module):
    """Every map by a 1x1 convolution to `width` channels, summed; then a convolution unless kernel is 0.

    Gated: each map is weighted at every position by a sigmoid of its own, as in Li et al., "Gated
    Fully Fusion for Semantic Segmentation", AAAI 2020, reduced to one direction.
    """

    def __init__(self, channels: list[int], width: int, kernel: int, gated: bool) -> None:
        super().__init__()
        self.projections = nn.ModuleList(conv_norm_relu(c, width, 1) for c in channels)
        self.gates = nn.ModuleList(nn.Conv2d(width, 1, 1) for _ in channels) if gated else None
        self.convolve = conv_norm_relu(width, width, kernel) if kernel else nn.Identity()

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Maps (N, C_i, h, w) -> (N, width, h, w)."""
        terms = [project(x) for project, x in zip(self.projections, maps, strict=True)]
        if self.gates is not None:
            terms = [gate(x).sigmoid() * x for gate, x in zip(self.gates, terms, strict=True)]
        fused: Tensor = self.convolve(reduce(torch.add, terms))
        return fused
