"""Our networks: backbone -> refinement module -> FPN -> head."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from variants.backbones import build_backbone
from variants.backbones.contract import Backbone
from variants.decoder import FPN, build_head
from variants.frm import FeatureRefinement
from variants.network import Network
from variants.spec import VariantSpec


class Segmenter(Network):
    """A variant: backbone, perhaps the feature refinement module, FPN and head."""

    def __init__(self, backbone: Backbone, spec: VariantSpec, num_classes: int) -> None:
        super().__init__(backbone.mean, backbone.std)
        if spec.decoder_width is None or spec.head is None:
            raise ValueError(f"{spec.name} is not of network 'frm'")
        self.backbone: nn.Module = backbone
        self.refine = FeatureRefinement(spec, backbone.channels) if spec.fused_stages else None
        top = (self.refine.top_channels if self.refine else None) or backbone.channels[3]
        every = self.refine.width if self.refine and not self.refine.at_top else None
        self.fpn = FPN((*backbone.channels[:3], top), spec.decoder_width, every)
        self.head = build_head(spec.head, spec.decoder_width, spec.head_width, num_classes)

    @property
    def classifier(self) -> nn.Module:  # type: ignore[override]
        """The 1x1 convolution of the head, with its dropout."""
        return self.head.classify

    def classify_image(self, image: Tensor) -> Tensor:
        """Normalised (N, 3, H, W) -> logits (N, num_classes, H / 4, W / 4)."""
        stages = self.backbone(image)
        refined = self.refine(stages) if self.refine is not None else None
        if self.refine is not None and refined is not None and self.refine.at_top:
            stages, refined = [*stages[:3], self.refine.top(refined, stages[3])], None
        logits: Tensor = self.head(self.fpn(stages, refined))
        return logits


def build_segmenter(spec: VariantSpec, num_classes: int, pretrained: bool, weights_dir: Path | None) -> Segmenter:
    """Build a spec of network `frm`.

    Raises:
        VariantError: see `variants.network.build`.
    """
    backbone = build_backbone(str(spec.backbone), pretrained=pretrained, weights_dir=weights_dir)
    return Segmenter(backbone, spec, num_classes)
