"""Non-local block. Wang et al., "Non-local Neural Networks", CVPR 2018 (embedded Gaussian)."""

from __future__ import annotations

from torch import Tensor, nn

from variants.context.attention import attend, to_map, to_tokens
from variants.layers import spatial_size

REDUCTION = 2


class NonLocal(nn.Module):
    """out = x + BN(W softmax(theta phi^T / sqrt(C / 2)) g), over all positions of the map."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = width // REDUCTION
        self.theta = nn.Conv2d(width, inner, 1)
        self.phi = nn.Conv2d(width, inner, 1)
        self.g = nn.Conv2d(width, inner, 1)
        self.project = nn.Conv2d(inner, width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.scale = float(inner) ** -0.5

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        query, key, value = (to_tokens(conv(x)) for conv in (self.theta, self.phi, self.g))
        gathered = to_map(attend(query, key, value, self.scale), spatial_size(x))
        refined: Tensor = x + self.norm(self.project(gathered))
        return refined
