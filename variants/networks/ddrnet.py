"""DDRNet-23-slim. Hong et al., "Deep Dual-resolution Networks for Real-time and Accurate Semantic
Segmentation of Road Scenes", 2021 (arXiv 2101.06085).

One branch stays at 1/8, the other goes down to 1/64; they exchange their features twice, and a
pyramid pooling module (DAPPM) ends the low one. The auxiliary head serves training only and is left out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from variants.layers import BatchNorm, conv_norm_relu, resize, spatial_size

PLANES = 32
SPP_PLANES = 128
HEAD_PLANES = 64
POOLINGS = ((5, 2), (9, 4), (17, 8))
"""Kernel and stride of DAPPM's average poolings, besides the global one."""


class DDRNet23Slim(nn.Module):
    """Dual-resolution network with 23 layers and 32 base planes."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        p, high = PLANES, 2 * PLANES
        self.stem = nn.Sequential(conv_norm_relu(3, p, 3, stride=2), conv_norm_relu(p, p, 3, stride=2))
        self.trunk = nn.Sequential(_stage(p, p, stride=1), _stage(p, high, stride=2))
        self.high3, self.low3 = _stage(high, high, stride=1), _stage(high, 4 * p, stride=2)
        self.fusion3 = BilateralFusion(high, 4 * p)
        self.high4, self.low4 = _stage(high, high, stride=1), _stage(4 * p, 8 * p, stride=2)
        self.fusion4 = BilateralFusion(high, 8 * p)
        self.high5, self.low5 = Bottleneck(high, high, stride=1), Bottleneck(8 * p, 8 * p, stride=2)
        self.spp = DAPPM(16 * p, SPP_PLANES, 4 * p)
        self.head = nn.Sequential(_bn_relu_conv(4 * p, HEAD_PLANES, 3), BatchNorm(HEAD_PLANES), nn.ReLU(inplace=True))
        self.classifier = nn.Conv2d(HEAD_PLANES, num_classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Normalised image (N, 3, H, W) -> logits (N, num_classes, H / 8, W / 8), sizes rounded up."""
        x = self.trunk(self.stem(image))
        high, low = self.fusion3(self.high3(x), self.low3(x))
        high, low = self.fusion4(self.high4(high), self.low4(low))
        high, low = self.high5(high), self.spp(self.low5(low))
        features = self.head(high + resize(low, spatial_size(high)))
        logits: Tensor = self.classifier(features)
        return logits


class Residual(nn.Module):
    """residual(relu(x)) + shortcut(relu(x)).

    The paper's block ends in the ReLU, except before a fusion, where it follows the sum; with the
    ReLU at the entrance of what comes next, every block is the same.
    """

    def __init__(self, residual: nn.Sequential, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.residual = residual
        same = inputs == outputs and stride == 1
        self.shortcut: nn.Module = nn.Identity() if same else _conv_bn(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        x = F.relu(x)
        total: Tensor = self.residual(x) + self.shortcut(x)
        return total


class BasicBlock(Residual):
    """Two 3x3 convolutions."""

    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        residual = nn.Sequential(conv_norm_relu(inputs, planes, 3, stride=stride), _conv_bn(planes, planes, 3))
        super().__init__(residual, inputs, planes, stride)


class Bottleneck(Residual):
    """1x1, 3x3 and 1x1 convolution, which doubles the planes."""

    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        residual = nn.Sequential(
            conv_norm_relu(inputs, planes, 1),
            conv_norm_relu(planes, planes, 3, stride=stride),
            _conv_bn(planes, 2 * planes, 1),
        )
        super().__init__(residual, inputs, 2 * planes, stride)


class BilateralFusion(nn.Module):
    """high + up(compress(relu(low))) and low + down(relu(high)).

    `compress` is a 1x1 convolution; `down` doubles the channels and halves the size by each of its
    3x3 convolutions.
    """

    def __init__(self, high: int, low: int) -> None:
        super().__init__()
        self.compress = nn.Sequential(nn.ReLU(), _conv_bn(low, high, 1))
        self.down = nn.Sequential()
        while high < low:
            self.down.extend([nn.ReLU(), _conv_bn(high, 2 * high, 3, stride=2)])
            high *= 2

    def forward(self, high: Tensor, low: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C_h, H, W) and (N, C_l, h, w), before their ReLU -> the same shapes."""
        return high + resize(self.compress(low), spatial_size(high)), low + self.down(high)


class DAPPM(nn.Module):
    """Deep aggregation pyramid pooling module.

    y_1 = conv1x1(x)
    y_i = conv3x3(up(conv1x1(pool_i(x))) + y_(i-1)), the last pooling being global
    out = conv1x1(y_1, ..., y_5) + conv1x1(x)

    with batch norm and ReLU before every convolution.
    """

    def __init__(self, inputs: int, planes: int, outputs: int) -> None:
        super().__init__()
        poolings: list[nn.Module] = [nn.AvgPool2d(k, stride=s, padding=k // 2) for k, s in POOLINGS]
        poolings.append(nn.AdaptiveAvgPool2d(1))
        self.first = _bn_relu_conv(inputs, planes, 1)
        self.scales = nn.ModuleList(nn.Sequential(pool, *_bn_relu_conv(inputs, planes, 1)) for pool in poolings)
        self.processes = nn.ModuleList(_bn_relu_conv(planes, planes, 3) for _ in poolings)
        self.compress = _bn_relu_conv(planes * (1 + len(poolings)), outputs, 1)
        self.shortcut = _bn_relu_conv(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W)."""
        levels = [self.first(x)]
        for scale, process in zip(self.scales, self.processes, strict=True):
            levels.append(process(resize(scale(x), spatial_size(x)) + levels[-1]))
        context: Tensor = self.compress(torch.cat(levels, dim=1)) + self.shortcut(x)
        return context


def _stage(inputs: int, planes: int, stride: int) -> nn.Sequential:
    """Two basic blocks, the first with the stride."""
    return nn.Sequential(BasicBlock(inputs, planes, stride), BasicBlock(planes, planes, 1))


def _conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution that divides the size by the stride, rounded up, and batch norm."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, BatchNorm(outputs))


def _bn_relu_conv(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """Batch norm, ReLU, convolution that keeps the size."""
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(BatchNorm(inputs), nn.ReLU(inplace=True), conv)
