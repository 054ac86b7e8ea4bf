"""LR-ASPP (Howard et al., "Searching for MobileNetV3", 2019) and DeepLabV3 (Chen et al. 2017) of torchvision,
both on MobileNetV3-Large."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from torch import Tensor, nn
from torchvision.models import MobileNet_V3_Large_Weights
from torchvision.models.segmentation import deeplabv3_mobilenet_v3_large, lraspp_mobilenet_v3_large

from variants.backbones.weights import find_weights, load_matching, read_state
from variants.errors import VariantError
from variants.layers import allow_single_values
from variants.network import Network
from variants.spec import VariantSpec

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_WEIGHTS = "mobilenet_v3_large"


class TorchvisionNetwork(Network):
    """One of torchvision's segmentation models, without its auxiliary classifier."""

    def __init__(self, backbone: nn.Module, decoder: nn.Module) -> None:
        super().__init__(_MEAN, _STD)
        self.backbone: nn.Module = backbone
        self.decoder = decoder
        allow_single_values(self)

    @property
    def classifier(self) -> nn.Module:  # type: ignore[override]
        """The last 1x1 convolution; of LR-ASPP's two, whose outputs it adds, that of the high-level map."""
        if isinstance(self.decoder, nn.Sequential):
            return self.decoder[-1]
        return cast(nn.Module, self.decoder.high_classifier)

    def classify_image(self, image: Tensor) -> Tensor:
        """Normalised (N, 3, H, W) -> logits (N, num_classes, H / 8 or H / 16, ...)."""
        features = self.backbone(image)
        logits: Tensor = self.decoder(features["out"] if isinstance(self.decoder, nn.Sequential) else features)
        return logits


def build_lraspp(spec: VariantSpec, num_classes: int, pretrained: bool, weights_dir: Path | None) -> Network:
    """LR-ASPP with 128 inner channels."""
    return _assemble(lraspp_mobilenet_v3_large, num_classes, pretrained, weights_dir)


def build_deeplabv3(spec: VariantSpec, num_classes: int, pretrained: bool, weights_dir: Path | None) -> Network:
    """DeepLabV3 with 256 inner channels, the backbone dilated to 1/16."""
    return _assemble(deeplabv3_mobilenet_v3_large, num_classes, pretrained, weights_dir)


def _assemble(model: Any, num_classes: int, pretrained: bool, weights_dir: Path | None) -> Network:
    whole = model(weights=None, weights_backbone=None, num_classes=num_classes)
    if pretrained:
        _load_imagenet(whole.backbone, weights_dir)
    return TorchvisionNetwork(whole.backbone, whole.classifier)


def _load_imagenet(backbone: nn.Module, weights_dir: Path | None) -> None:
    """From `weights_dir/mobilenet_v3_large.pth` with torchvision's keys, else from its server."""
    if weights_dir is None:
        state, path = _download(), Path(_WEIGHTS)
    else:
        path = find_weights(weights_dir, _WEIGHTS)
        state = read_state(path)
    features = {key.removeprefix("features."): value for key, value in state.items() if key.startswith("features.")}
    load_matching(backbone, features, path, _WEIGHTS)


def _download() -> dict[str, Tensor]:
    try:
        state: dict[str, Tensor] = MobileNet_V3_Large_Weights.IMAGENET1K_V2.get_state_dict(progress=False)
    except OSError as error:
        raise VariantError(
            f"no ImageNet weights for {_WEIGHTS!r} from torchvision's server: {error}. Without a network: put "
            f"{_WEIGHTS}.pth in a folder and pass --weights-dir FOLDER, or set pretraining: none."
        ) from None
    return state
