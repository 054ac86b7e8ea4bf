"""Channel attention. Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018."""

from __future__ import annotations

from torch import Tensor, nn


class ChannelAttention(nn.Module):
    """out = x * sigmoid(W2 relu(W1 mean over positions of x)); W1 to C / r channels."""

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        inner = max(1, width // reduction)
        self.squeeze = nn.Conv2d(width, inner, 1)
        self.excite = nn.Conv2d(inner, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        pooled = x.mean(dim=(2, 3), keepdim=True)  # (N, C, 1, 1)
        weights: Tensor = self.excite(self.squeeze(pooled).relu()).sigmoid()
        return x * weights
