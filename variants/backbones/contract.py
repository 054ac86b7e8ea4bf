"""What every backbone is: four stages at strides 4, 8, 16 and 32."""

from __future__ import annotations

from torch import Tensor, nn

STRIDES = (4, 8, 16, 32)


class Backbone(nn.Module):
    """Base of all backbones. A subclass maps a normalised image to the four stages in `forward`.

    channels: of F1..F4. mean, std: the input normalisation that its weights expect, RGB in [0, 1].
    """

    def __init__(self, channels: tuple[int, ...], mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.channels = channels
        self.mean = mean
        self.std = std

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, 3, H, W) -> F1..F4, F_i of shape (N, channels[i - 1], H / 2^(i+1), W / 2^(i+1)), rounded up."""
        raise NotImplementedError
