"""Real-time networks that no library keeps, built as a whole: BiSeNetV2 and DDRNet-23-slim."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from variants.network import Network
from variants.networks.bisenetv2 import BiSeNetV2
from variants.networks.ddrnet import DDRNet23Slim
from variants.spec import VariantSpec

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class RealtimeNetwork(Network):
    """A network trained from random weights: it has no backbone of its own to load."""

    backbone = None

    def __init__(self, body: BiSeNetV2 | DDRNet23Slim) -> None:
        super().__init__(_MEAN, _STD)
        self.body = body

    @property
    def classifier(self) -> nn.Module:  # type: ignore[override]
        """What makes the logits of the last feature map."""
        return self.body.classifier

    def classify_image(self, image: Tensor) -> Tensor:
        """Normalised (N, 3, H, W) -> logits (N, num_classes, H / 8, W / 8)."""
        logits: Tensor = self.body(image)
        return logits


def build_bisenetv2(spec: VariantSpec, num_classes: int, pretrained: bool, weights_dir: Path | None) -> Network:
    """BiSeNetV2; `pretrained` changes nothing, as in its paper."""
    return RealtimeNetwork(BiSeNetV2(num_classes))


def build_ddrnet23_slim(spec: VariantSpec, num_classes: int, pretrained: bool, weights_dir: Path | None) -> Network:
    """DDRNet-23-slim; `pretrained` changes nothing, while its paper starts from ImageNet."""
    return RealtimeNetwork(DDRNet23Slim(num_classes))
