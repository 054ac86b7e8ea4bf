"""Efficient attention. Shen et al., "Efficient Attention: Attention with Linear Complexities", WACV 2021."""

from __future__ import annotations

from torch import Tensor, nn

from variants.context.attention import full_precision, to_map, to_tokens, without_autocast
from variants.layers import make_norm, spatial_size


class LinearAttention(nn.Module):
    """out = x + norm(W (softmax over channels of theta) ((softmax over positions of phi)^T g)).

    The product in brackets is C/r x C/r, so time and memory grow linearly with the positions.
    """

    def __init__(self, width: int, reduction: int, norm: str) -> None:
        super().__init__()
        inner = max(1, width // reduction)
        self.theta = nn.Conv2d(width, inner, 1)
        self.phi = nn.Conv2d(width, inner, 1)
        self.g = nn.Conv2d(width, inner, 1)
        self.project = nn.Conv2d(inner, width, 1, bias=norm == "none")
        self.norm = make_norm(norm, width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        query, key, value = (to_tokens(conv(x)) for conv in (self.theta, self.phi, self.g))
        gathered = to_map(_gather(query, key, value), spatial_size(x))
        refined: Tensor = x + self.norm(self.project(gathered))
        return refined


def _gather(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """All (N, 1, positions, channels); float32 under mixed precision, since the sums run over all positions."""
    with without_autocast(query.device.type):
        context = full_precision(key).softmax(dim=2).transpose(2, 3) @ full_precision(value)
        gathered: Tensor = full_precision(query).softmax(dim=3) @ context
    return gathered.to(value.dtype)
