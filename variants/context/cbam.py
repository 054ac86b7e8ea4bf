"""Channel, then spatial attention. Woo et al., "CBAM: Convolutional Block Attention Module", ECCV 2018."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ChannelSpatialAttention(nn.Module):
    """y = x * sigmoid(mlp(mean) + mlp(max)); out = y * sigmoid(conv7x7([mean, max] over the channels of y))."""

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        inner = max(1, width // reduction)
        self.mlp = nn.Sequential(
            nn.Conv2d(width, inner, 1, bias=False), nn.ReLU(inplace=True), nn.Conv2d(inner, width, 1, bias=False)
        )
        self.spatial = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        x = x * (self.mlp(x.mean((2, 3), keepdim=True)) + self.mlp(x.amax((2, 3), keepdim=True))).sigmoid()
        summary = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)  # (N, 2, H, W)
        weights: Tensor = self.spatial(summary).sigmoid()
        return x * weights
