"""Small layers that the module, its context blocks and the decoder share."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional as F


class BatchNorm(nn.BatchNorm2d):
    """Batch norm that also trains where a channel has one value: a batch of one pooled to 1x1.

    Such a value has no variance, and torch refuses it; here it is normalised with the running
    statistics, as in evaluation, and leaves them as they are.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        if self.training and x.shape[0] * x.shape[2] * x.shape[3] == 1:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)
        return super().forward(x)


def allow_single_values(net: nn.Module) -> None:
    """Make the batch norms of a network from elsewhere ones that train on a single value, in place."""
    for module in net.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = BatchNorm


class ChannelLayerNorm(nn.LayerNorm):
    """Layer norm over the channels of every position of (N, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def make_norm(kind: str, channels: int) -> nn.Module:
    """The norm layer of an axis value: batch, group, layer or none.

    Group norm takes up to 32 groups of at least four channels (Wu and He, ECCV 2018, take 32 groups).
    """
    if kind == "batch":
        return BatchNorm(channels)
    if kind == "group":
        return nn.GroupNorm(math.gcd(32, channels // 4) if channels % 4 == 0 else 1, channels)
    if kind == "layer":
        return ChannelLayerNorm(channels)
    return nn.Identity()


def conv_norm_relu(
    inputs: int, outputs: int, kernel: int, norm: str = "batch", stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    """Convolution that keeps the size (or divides it by the stride, rounded up), norm, ReLU."""
    padding = dilation * (kernel // 2)
    conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, dilation=dilation, bias=norm == "none")
    return nn.Sequential(conv, make_norm(norm, outputs), nn.ReLU(inplace=True))


def spatial_size(x: Tensor) -> tuple[int, int]:
    """Height and width of (N, C, H, W)."""
    return x.shape[-2], x.shape[-1]


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear resize of (N, C, H, W) to `size` (height, width), corners not aligned."""
    if spatial_size(x) == size:
        return x
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)
