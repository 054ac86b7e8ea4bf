"""Non-local block. Wang et al., "Non-local Neural Networks", CVPR 2018 (embedded Gaussian)."""

from __future__ import annotations

from torch import Tensor, nn

from variants.context.attention import attend, to_map, to_tokens
from variants.layers import make_norm, spatial_size


class NonLocal(nn.Module):
    """out = x + norm(W softmax(theta phi^T / (sqrt(C / r) T)) g), over all positions of the map.

    r is the reduction; the temperature T is 1 in the paper.
    """

    def __init__(self, width: int, reduction: int, temperature: float, norm: str) -> None:
        super().__init__()
        inner = max(1, width // reduction)
        self.theta = nn.Conv2d(width, inner, 1)
        self.phi = nn.Conv2d(width, inner, 1)
        self.g = nn.Conv2d(width, inner, 1)
        self.project = nn.Conv2d(inner, width, 1, bias=norm == "none")
        self.norm = make_norm(norm, width)
        self.scale = float(inner) ** -0.5 / temperature

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        query, key, value = (to_tokens(conv(x)) for conv in (self.theta, self.phi, self.g))
        gathered = to_map(attend(query, key, value, self.scale), spatial_size(x))
        refined: Tensor = x + self.norm(self.project(gathered))
        return refined
