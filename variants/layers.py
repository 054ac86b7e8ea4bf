"""Small layers that the module and the decoder share."""

from torch import Tensor, nn
from torch.nn import functional as F


def conv_bn_relu(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """Convolution that keeps the size, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def spatial_size(x: Tensor) -> tuple[int, int]:
    """Height and width of (N, C, H, W)."""
    return x.shape[-2], x.shape[-1]


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear resize of (N, C, H, W) to `size` (height, width), corners not aligned."""
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)
