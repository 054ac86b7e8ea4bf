"""BiSeNetV2. Yu et al., "BiSeNet V2: Bilateral Network with Guided Aggregation", IJCV 2021.

A wide, shallow detail branch at 1/8 and a narrow, deep semantic branch down to 1/32, which gate
each other before they are summed. The booster's auxiliary heads serve training only and are left out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from variants.layers import BatchNorm, resize, spatial_size

WIDTH = 128
"""Channels of both branches at their ends."""
STEM_WIDTH = 16
EXPANSION = 6
HEAD_WIDTH = 1024
"""As in public code; the paper leaves it open."""

DIFFERENCE = (
    "This build has 3.36 M parameters and 24.60 GMACs at 1024x512 (98.41 at 2048x1024): as in public code, the gather "
    "convolution keeps its channels and the head has 1024. That is what is published as 98.4 GMACs and 3.4 M; four "
    "auxiliary heads of 128 on top, 103.37 and 3.65 M, are not in it.\n"
    "16.1 GMACs and 2.3 M at 1024x512: the same with a head of 128 gives 16.01 and 2.31 M; fvcore's own count, which "
    "adds batch norms and resizing, gives 16.10.\n"
    "Paper, 21.15 GFLOPs at 1024x512: not reproduced by a round head width. With a gather convolution that expands "
    "sixfold, as the paper's text reads, a head of 349 channels gives 21.15, one of 256 gives 20.26.\n"
)
"""Why the published costs differ from each other and from ours; multiply-adds of convolutions, 19 classes."""


class BiSeNetV2(nn.Module):
    """Detail and semantic branch, bilateral guided aggregation, segmentation head.

    The two keywords are what public builds of the network differ in: the channels of the head, which
    the paper leaves open, and whether the 3x3 convolution of a gather-and-expansion layer expands, as
    the paper's text says, or keeps its channels and leaves the expansion to the depth-wise convolution.
    """

    def __init__(self, num_classes: int, *, head_width: int = HEAD_WIDTH, gather_expands: bool = False) -> None:
        super().__init__()
        self.detail = _detail_branch()
        self.semantic = _semantic_branch(gather_expands)
        self.aggregate = GuidedAggregation(WIDTH)
        self.head = _conv_bn_relu(WIDTH, head_width, 3)
        self.classifier = nn.Conv2d(head_width, num_classes, 1)
        self.apply(_init_kaiming)

    def forward(self, image: Tensor) -> Tensor:
        """Normalised image (N, 3, H, W) -> logits (N, num_classes, H / 8, W / 8), sizes rounded up."""
        features = self.aggregate(self.detail(image), self.semantic(image))
        logits: Tensor = self.classifier(self.head(features))
        return logits


class Stem(nn.Module):
    """3x3 convolution, then convolutions and max pooling side by side, joined: (N, 3, H, W) to 1/4."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _conv_bn_relu(3, width, 3, stride=2)
        self.convolved = nn.Sequential(
            _conv_bn_relu(width, width // 2, 1),
            _conv_bn_relu(width // 2, width, 3, stride=2),
        )
        self.pooled = nn.MaxPool2d(3, stride=2, padding=1)
        self.fuse = _conv_bn_relu(2 * width, width, 3)

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, width, H / 4, W / 4)."""
        x = self.first(image)
        fused: Tensor = self.fuse(torch.cat([self.convolved(x), self.pooled(x)], dim=1))
        return fused


class GatherExpansion(nn.Module):
    """Gather-and-expansion layer: relu(shortcut(x) + project(depthwise(gather(x)))).

    `gather` is a 3x3 convolution, `depthwise` works on EXPANSION times the input's channels, `project`
    is 1x1. With stride 2 there are two depth-wise convolutions, and the shortcut is a separable one.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, gather_expands: bool) -> None:
        super().__init__()
        expanded = inputs * EXPANSION
        gathered = expanded if gather_expands else inputs
        self.gather = _conv_bn_relu(inputs, gathered, 3)
        self.depthwise = _conv_bn(gathered, expanded, 3, stride=stride, groups=gathered)
        self.shortcut: nn.Module = nn.Identity()
        if stride == 2:
            self.depthwise.append(_conv_bn(expanded, expanded, 3, groups=expanded))
            self.shortcut = nn.Sequential(
                _conv_bn(inputs, inputs, 3, stride=2, groups=inputs), _conv_bn(inputs, outputs, 1)
            )
        self.project = _conv_bn(expanded, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        return F.relu(self.shortcut(x) + self.project(self.depthwise(self.gather(x))))


class ContextEmbedding(nn.Module):
    """conv(x + embed(BN(mean of x over positions))): the whole image's context at every position."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = BatchNorm(width)
        self.embed = _conv_bn_relu(width, width, 1)
        self.conv = _conv_bn_relu(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        context = self.embed(self.norm(x.mean(dim=(2, 3), keepdim=True)))
        embedded: Tensor = self.conv(x + context)
        return embedded


class GuidedAggregation(nn.Module):
    """Bilateral guided aggregation: each branch is gated by the other, at both scales.

    fine   = separable(detail) * sigmoid(up(conv(semantic)))
    coarse = pool(conv(detail)) * sigmoid(separable(semantic))
    out    = conv(fine + up(coarse))
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.detail_fine = _separable(width)
        self.detail_coarse = nn.Sequential(_conv_bn(width, width, 3, stride=2), nn.AvgPool2d(3, stride=2, padding=1))
        self.semantic_fine = _conv_bn(width, width, 3)
        self.semantic_coarse = _separable(width)
        self.fuse = _conv_bn(width, width, 3)

    def forward(self, detail: Tensor, semantic: Tensor) -> Tensor:
        """(N, C, H / 8, W / 8) and (N, C, H / 32, W / 32) -> (N, C, H / 8, W / 8)."""
        size = spatial_size(detail)
        fine = self.detail_fine(detail) * resize(self.semantic_fine(semantic), size).sigmoid()
        coarse = self.detail_coarse(detail) * self.semantic_coarse(semantic).sigmoid()
        fused: Tensor = self.fuse(fine + resize(coarse, size))
        return fused


def _detail_branch() -> nn.Sequential:
    """(N, 3, H, W) -> (N, WIDTH, H / 8, W / 8): three stages, plain convolutions."""
    stages = ((64, 64), (64, 64, 64), (WIDTH, WIDTH, WIDTH))
    layers: list[nn.Module] = []
    inputs = 3
    for stage in stages:
        for i, outputs in enumerate(stage):
            layers.append(_conv_bn_relu(inputs, outputs, 3, stride=2 if i == 0 else 1))
            inputs = outputs
    return nn.Sequential(*layers)


def _semantic_branch(gather_expands: bool) -> nn.Sequential:
    """(N, 3, H, W) -> (N, WIDTH, H / 32, W / 32): stem, stages S3 to S5, context embedding."""
    layers: list[nn.Module] = [Stem(STEM_WIDTH)]
    inputs = STEM_WIDTH
    for outputs, repeats in ((32, 2), (64, 2), (WIDTH, 4)):
        for i in range(repeats):
            layers.append(GatherExpansion(inputs, outputs, 2 if i == 0 else 1, gather_expands))
            inputs = outputs
    return nn.Sequential(*layers, ContextEmbedding(WIDTH))


def _conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution that divides the size by the stride, rounded up, and batch norm."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, BatchNorm(outputs))


def _conv_bn_relu(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """The same with ReLU."""
    return _conv_bn(inputs, outputs, kernel, stride).append(nn.ReLU(inplace=True))


def _separable(width: int) -> nn.Sequential:
    """Depth-wise 3x3 convolution, batch norm, 1x1 convolution."""
    return _conv_bn(width, width, 3, groups=width).append(nn.Conv2d(width, width, 1, bias=False))


def _init_kaiming(module: nn.Module) -> None:
    """The paper trains from scratch, from "kaiming normal" weights."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
