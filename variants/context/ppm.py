"""Pyramid pooling module. Zhao et al., "Pyramid Scene Parsing Network", CVPR 2017."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from variants.layers import conv_norm_relu, resize, spatial_size

BINS = (1, 2, 3, 6)


class PyramidPooling(nn.Module):
    """Average pooling to 1x1, 2x2, 3x3 and 6x6, 1x1 convolutions to C / r, concatenation, 3x3 back to C."""

    def __init__(self, width: int, reduction: int, norm: str) -> None:
        super().__init__()
        inner = max(1, width // reduction)
        self.branches = nn.ModuleList(conv_norm_relu(width, inner, 1, norm) for _ in BINS)
        self.project = conv_norm_relu(width + len(BINS) * inner, width, 3, norm)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        pooled = [branch(F.adaptive_avg_pool2d(x, bins)) for branch, bins in zip(self.branches, BINS, strict=True)]
        refined: Tensor = self.project(torch.cat([x, *(resize(p, spatial_size(x)) for p in pooled)], dim=1))
        return refined
