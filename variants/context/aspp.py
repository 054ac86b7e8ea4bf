"""Atrous spatial pyramid pooling. Chen et al., "Rethinking Atrous Convolution for Semantic Image
Segmentation", 2017 (DeepLabV3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from variants.layers import conv_norm_relu, resize, spatial_size


class AtrousPyramid(nn.Module):
    """1x1, three dilated 3x3 and image pooling to C / r each, concatenation, 1x1 back to C.

    DeepLabV3 takes dilations of 6, 12, 18 on maps at 1/16 and twice those at 1/8; so half of them on
    maps at 1/32 sees as much of the image.
    """

    def __init__(self, width: int, reduction: int, dilation: int, norm: str) -> None:
        super().__init__()
        inner = max(1, width // reduction)
        self.point = conv_norm_relu(width, inner, 1, norm)
        self.atrous = nn.ModuleList(
            conv_norm_relu(width, inner, 3, norm, dilation=multiple * dilation) for multiple in (1, 2, 3)
        )
        self.image = conv_norm_relu(width, inner, 1, norm)
        self.project = conv_norm_relu(5 * inner, width, 1, norm)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        image = resize(self.image(x.mean(dim=(2, 3), keepdim=True)), spatial_size(x))
        refined: Tensor = self.project(torch.cat([self.point(x), *(conv(x) for conv in self.atrous), image], dim=1))
        return refined
