"""What every network is, and build(spec) -> Network."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor, nn

from variants.layers import resize, spatial_size
from variants.networks import NETWORKS
from variants.spec import VariantSpec


class Network(nn.Module):
    """A whole network: RGB in [0, 1] to logits at the size of the input.

    A subclass gives `classify_image`, which maps a normalised image to logits of any size, and names two
    of its parts:

    backbone: the part that may start from ImageNet weights and learn at a rate of its own; or None.
    classifier: the part that turns the last feature map into logits.
    """

    mean: Tensor
    std: Tensor
    backbone: nn.Module | None
    classifier: nn.Module

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, H, W), RGB in [0, 1] -> logits (N, num_classes, H, W)."""
        return resize(self.classify_image((image - self.mean) / self.std), spatial_size(image))

    def classify_image(self, image: Tensor) -> Tensor:
        """Normalised (N, 3, H, W) -> logits (N, num_classes, h, w)."""
        raise NotImplementedError


def build(
    spec: VariantSpec,
    num_classes: int,
    pretrained: bool = False,
    weights_dir: Path | None = None,
) -> Network:
    """Build the network of a spec.

    Args:
        spec: what to build.
        num_classes: channels of the logits.
        pretrained: load ImageNet weights into the backbone.
        weights_dir: folder with one file per backbone name; without it timm's hub is asked.

    Raises:
        VariantError: the backbone is unknown, has no stages at strides 4, 8, 16 and 32, its weights
            cannot be had or do not fit, or the axes do not go with it.
    """
    entry = NETWORKS[spec.network]
    builder = getattr(import_module(entry.module), entry.builder)
    network: Network = builder(spec, num_classes, pretrained, weights_dir)
    return network


def check_variant(spec: VariantSpec) -> None:
    """Refuse a spec whose network cannot be built; looked at on the meta device, where nothing real is built.

    Raises:
        VariantError: why.
    """
    with torch.device("meta"):
        build(spec, num_classes=2)
