"""Networks of segmentation-models-pytorch with their own defaults, on any timm backbone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import segmentation_models_pytorch as smp
from torch import Tensor, nn
from torch.nn import functional as F

from variants.backbones import BACKBONES
from variants.backbones.timm_adapter import check_timm_name, load_imagenet_weights, normalisation, parse_backbone
from variants.errors import VariantError
from variants.layers import allow_single_values, spatial_size
from variants.network import Network
from variants.spec import VariantSpec

_MULTIPLE = 32
"""Sides that these networks ask for."""
_LEAST_SIDE = {"smp_pan": 128}
"""Its pyramid halves the map at 1/16 three times."""


class SmpNetwork(Network):
    """One of their networks, for images of any size: padded below and to the right by repeated edges."""

    def __init__(self, model: Any, mean: tuple[float, ...], std: tuple[float, ...], least_side: int) -> None:
        super().__init__(mean, std)
        self.least_side = least_side
        self.backbone: nn.Module = model.encoder
        self.decoder: nn.Module = model.decoder
        self.classifier: nn.Module = model.segmentation_head
        allow_single_values(self)

    def classify_image(self, image: Tensor) -> Tensor:
        """Normalised (N, 3, H, W) -> logits (N, num_classes, H, W)."""
        height, width = spatial_size(image)
        right, below = (max(-side % _MULTIPLE, self.least_side - side) for side in (width, height))
        padded = F.pad(image, (0, right, 0, below), mode="replicate")
        features = self.decoder(self.backbone(padded))
        stride = padded.shape[-1] // features.shape[-1]
        features = features[..., : -(-height // stride), : -(-width // stride)]  # so that they cover the image alone
        logits: Tensor = self.classifier(features)
        return logits[..., :height, :width]


def _build(
    model: Callable[..., Any], spec: VariantSpec, classes: int, pretrained: bool, folder: Path | None
) -> Network:
    source = parse_backbone(str(spec.backbone))
    if source.name in BACKBONES:
        raise VariantError(
            f"network {spec.network!r} takes timm's backbones only, not {source.name!r}. `bench list backbones` "
            "shows which are timm's.",
            "backbone",
        )
    check_timm_name(source.name)
    try:
        net = model(encoder_name=f"tu-{source.name}", encoder_weights=None, classes=classes, **source.arguments)
    except (
        TypeError,
        RuntimeError,
        AttributeError,
        AssertionError,
        KeyError,
        ValueError,
        NotImplementedError,
    ) as error:
        raise VariantError(f"network {spec.network!r} does not go on backbone {source.name!r}: {error}") from None
    if pretrained:
        load_imagenet_weights(net.encoder.model, source, folder)
    return SmpNetwork(net, *normalisation(source), _LEAST_SIDE.get(spec.network, _MULTIPLE))


def build_fpn(spec: VariantSpec, num_classes: int, pretrained: bool, weights_dir: Path | None) -> Network:
    """FPN 256, head 128."""
    return _build(smp.FPN, spec, num_classes, pretrained, weights_dir)


def build_pan(spec: VariantSpec, num_classes: int, pretrained: bool, weights_dir: Path | None) -> Network:
    """Pyramid attention network; the backbone dilated to 1/16."""
    return _build(smp.PAN, spec, num_classes, pretrained, weights_dir)


def build_deeplabv3plus(spec: VariantSpec, num_classes: int, pretrained: bool, weights_dir: Path | None) -> Network:
    """DeepLabV3+; the backbone dilated to 1/16."""
    return _build(smp.DeepLabV3Plus, spec, num_classes, pretrained, weights_dir)


def build_upernet(spec: VariantSpec, num_classes: int, pretrained: bool, weights_dir: Path | None) -> Network:
    """UPerNet of width 256."""
    return _build(smp.UPerNet, spec, num_classes, pretrained, weights_dir)


def build_segformer(spec: VariantSpec, num_classes: int, pretrained: bool, weights_dir: Path | None) -> Network:
    """The all-MLP head of SegFormer, width 256, on a convolutional or transformer backbone."""
    return _build(smp.Segformer, spec, num_classes, pretrained, weights_dir)


def build_unet(spec: VariantSpec, num_classes: int, pretrained: bool, weights_dir: Path | None) -> Network:
    """U-Net with decoder widths 256, 128, 64, 32, 16."""
    return _build(smp.Unet, spec, num_classes, pretrained, weights_dir)
