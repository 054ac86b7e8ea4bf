"""build(spec) -> Segmenter: backbone -> refinement module -> decoder."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from variants.backbones import Backbone, build_backbone
from variants.decoder import FPN, SumHead
from variants.frm import FeatureRefinement
from variants.layers import resize, spatial_size
from variants.spec import VariantSpec


class Segmenter(nn.Module):
    """A whole network: RGB in [0, 1] to logits at the size of the input."""

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: Backbone, spec: VariantSpec, num_classes: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(backbone.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(backbone.std).view(1, 3, 1, 1))
        self.backbone = backbone
        self.refine = FeatureRefinement(spec, backbone.channels) if spec.fused_stages else None
        top = self.refine.out_channels if self.refine else backbone.channels[3]
        self.fpn = FPN((*backbone.channels[:3], top), spec.decoder_width)
        self.head = SumHead(spec.decoder_width, spec.head_width, num_classes)

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, H, W), RGB in [0, 1] -> logits (N, num_classes, H, W)."""
        stages = self.backbone((image - self.mean) / self.std)
        if self.refine is not None:
            stages = [*stages[:3], self.refine(stages)]
        logits = self.head(self.fpn(stages))
        return resize(logits, spatial_size(image))


def build(
    spec: VariantSpec,
    num_classes: int,
    pretrained: bool = False,
    weights_dir: Path | None = None,
) -> Segmenter:
    """Build the network of a spec.

    Args:
        spec: what to build.
        num_classes: channels of the logits.
        pretrained: load ImageNet weights into the backbone.
        weights_dir: folder with one file per timm name; without it timm's hub is asked.

    Raises:
        VariantError: the backbone is unknown, has no stages at strides 4, 8, 16 and 32, or its
            weights cannot be had or do not fit.
    """
    backbone = build_backbone(spec.backbone, pretrained=pretrained, weights_dir=weights_dir)
    return Segmenter(backbone, spec, num_classes)
