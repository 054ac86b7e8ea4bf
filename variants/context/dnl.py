"""Disentangled non-local block. Yin et al., ECCV 2020, "Disentangled Non-Local Neural Networks"."""

from __future__ import annotations

from torch import Tensor, nn

from variants.context.attention import attend, full_precision, to_map, to_tokens
from variants.layers import make_norm, spatial_size


class DisentangledNonLocal(nn.Module):
    """Whitened pairwise term (what belongs together) plus unary term (what is salient).

    pairwise = softmax((theta - mean theta) (phi - mean phi)^T / (sqrt(C / r) T)) g
    unary    = sum over positions of softmax(mask) g, one vector for all positions
    out      = x + norm(W (pairwise + unary)), W applied once because it is linear

    r is the reduction, T the temperature. Whitening and both softmaxes are float32 under mixed precision.
    """

    def __init__(self, width: int, reduction: int, temperature: float, norm: str) -> None:
        super().__init__()
        inner = max(1, width // reduction)
        self.theta = nn.Conv2d(width, inner, 1)
        self.phi = nn.Conv2d(width, inner, 1)
        self.g = nn.Conv2d(width, inner, 1)
        self.mask = nn.Conv2d(width, 1, 1)
        self.project = nn.Conv2d(inner, width, 1, bias=norm == "none")
        self.norm = make_norm(norm, width)
        self.scale = float(inner) ** -0.5 / temperature

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        value = to_tokens(self.g(x))  # (N, 1, H * W, C / r)
        query, key = _whiten(to_tokens(self.theta(x))), _whiten(to_tokens(self.phi(x)))
        pairwise = attend(query, key, value, self.scale)
        weights = full_precision(to_tokens(self.mask(x))).softmax(dim=2)  # (N, 1, H * W, 1)
        unary = weights.to(value.dtype).transpose(2, 3) @ value  # (N, 1, 1, C / r)
        gathered = to_map(pairwise + unary, spatial_size(x))
        refined: Tensor = x + self.norm(self.project(gathered))
        return refined


def _whiten(tokens: Tensor) -> Tensor:
    """Subtract the mean over positions, (N, heads, positions, channels)."""
    tokens = full_precision(tokens)
    return tokens - tokens.mean(dim=2, keepdim=True)
