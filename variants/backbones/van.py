"""Visual Attention Network. Guo et al., "Visual Attention Network", 2022 (arXiv 2202.09741), B0 to B2.

Modules carry the names of the authors' published weights (`patch_embed1.proj`, `block1.0.attn...`,
`norm1`), so that such a file loads as it is; its classifier (`head`) is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from variants.backbones.contract import Backbone
from variants.backbones.weights import find_weights, load_matching, read_state
from variants.errors import VariantError
from variants.layers import ChannelLayerNorm

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_LAYER_SCALE = 0.01
_CLASSIFIER = ("head.weight", "head.bias")


@dataclass(frozen=True, kw_only=True)
class _Size:
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    mlp_ratios: tuple[int, ...] = (8, 8, 4, 4)
    drop_path: float = 0.1


_SIZES = {
    "van_b0": _Size(widths=(32, 64, 160, 256), depths=(3, 3, 5, 2)),
    "van_b1": _Size(widths=(64, 128, 320, 512), depths=(2, 2, 4, 2)),
    "van_b2": _Size(widths=(64, 128, 320, 512), depths=(3, 3, 12, 3)),
}


def build_van(name: str, pretrained: bool, weights_dir: Path | None) -> Backbone:
    """Build van_b0, van_b1 or van_b2.

    Raises:
        VariantError: pretrained without a folder of weights, or a file that does not fit.
    """
    net = VisualAttentionNetwork(_SIZES[name])
    if pretrained:
        load_van_weights(net, name, weights_dir)
    return net


def load_van_weights(net: nn.Module, name: str, weights_dir: Path | None) -> None:
    """Load `weights_dir/<name>.<ending>`, a state dict with the authors' keys.

    Raises:
        VariantError: no folder, no such file, or keys or shapes that do not fit.
    """
    if weights_dir is None:
        raise VariantError(
            f"no ImageNet weights for {name!r}: timm's hub has none. Put the authors' file (github.com/"
            f"Visual-Attention-Network) as {name}.pth in a folder and pass --weights-dir FOLDER, or set "
            "pretraining: none."
        )
    path = find_weights(weights_dir, name)
    load_matching(net, read_state(path), path, name, ignored=_CLASSIFIER)


class VisualAttentionNetwork(Backbone):
    """Four stages of patch embedding, large-kernel-attention blocks and a layer norm."""

    def __init__(self, size: _Size) -> None:
        super().__init__(size.widths, _MEAN, _STD)
        rates = torch.linspace(0, size.drop_path, sum(size.depths), device="cpu").tolist()
        inputs = 3
        for i, (width, depth, ratio) in enumerate(zip(size.widths, size.depths, size.mlp_ratios, strict=True), start=1):
            kernel, stride = (7, 4) if i == 1 else (3, 2)
            blocks = [Block(width, ratio, rates.pop(0)) for _ in range(depth)]
            setattr(self, f"patch_embed{i}", PatchEmbedding(inputs, width, kernel, stride))
            setattr(self, f"block{i}", nn.ModuleList(blocks))
            setattr(self, f"norm{i}", ChannelLayerNorm(width, eps=1e-6))
            inputs = width
        self.apply(_initialise)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, 3, H, W) -> F1..F4, F_i of shape (N, channels[i - 1], H / 2^(i+1), W / 2^(i+1))."""
        stages = []
        x = image
        for i in range(1, 5):
            x = getattr(self, f"patch_embed{i}")(x)
            for block in getattr(self, f"block{i}"):
                x = block(x)
            x = getattr(self, f"norm{i}")(x)
            stages.append(x)
        return stages


class PatchEmbedding(nn.Module):
    """Overlapping patches: a strided convolution and batch norm."""

    def __init__(self, inputs: int, width: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(inputs, width, kernel, stride=stride, padding=kernel // 2)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, width, H / stride, W / stride)."""
        embedded: Tensor = self.norm(self.proj(x))
        return embedded


class Block(nn.Module):
    """x + scale1 attention(norm(x)), then x + scale2 feed_forward(norm(x))."""

    def __init__(self, width: int, mlp_ratio: int, drop_path: float) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(width)
        self.attn = Attention(width)
        self.norm2 = nn.BatchNorm2d(width)
        self.mlp = FeedForward(width, mlp_ratio * width)
        self.layer_scale_1 = nn.Parameter(_LAYER_SCALE * torch.ones(width))
        self.layer_scale_2 = nn.Parameter(_LAYER_SCALE * torch.ones(width))
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        x = x + self.drop_path(self.layer_scale_1[:, None, None] * self.attn(self.norm1(x)))
        refined: Tensor = x + self.drop_path(self.layer_scale_2[:, None, None] * self.mlp(self.norm2(x)))
        return refined


class Attention(nn.Module):
    """x + proj_2(lka(gelu(proj_1(x))))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj_1 = nn.Conv2d(width, width, 1)
        self.spatial_gating_unit = LargeKernelAttention(width)
        self.proj_2 = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        gated = self.spatial_gating_unit(nn.functional.gelu(self.proj_1(x)))
        attended: Tensor = x + self.proj_2(gated)
        return attended


class LargeKernelAttention(nn.Module):
    """x * conv1x1(depthwise 7x7 of dilation 3 (depthwise 5x5 (x))): a 21x21 kernel taken apart."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.conv_spatial = nn.Conv2d(width, width, 7, padding=9, groups=width, dilation=3)
        self.conv1 = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        weights: Tensor = self.conv1(self.conv_spatial(self.conv0(x)))
        return x * weights


class FeedForward(nn.Module):
    """1x1, depthwise 3x3, GELU, 1x1."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(width, hidden, 1)
        self.dwconv = _DepthwiseConv(hidden)
        self.fc2 = nn.Conv2d(hidden, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        fed: Tensor = self.fc2(nn.functional.gelu(self.dwconv(self.fc1(x))))
        return fed


class _DepthwiseConv(nn.Module):
    """A module of its own, because the published keys say `dwconv.dwconv`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, 3, padding=1, groups=width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        mixed: Tensor = self.dwconv(x)
        return mixed


class DropPath(nn.Module):
    """In training, drops a residual branch for whole images. Huang et al., "Stochastic Depth", ECCV 2016."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape; kept images are scaled up so that the mean stays."""
        if not self.training or self.rate == 0:
            return x
        kept = torch.rand(x.shape[0], 1, 1, 1, device=x.device) >= self.rate
        return x * (kept / (1 - self.rate)).to(x.dtype)


def _initialise(module: nn.Module) -> None:
    """He initialisation over outputs for convolutions (He et al., ICCV 2015)."""
    if isinstance(module, nn.Conv2d):
        fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
        nn.init.normal_(module.weight, 0, (2.0 / fan_out) ** 0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
