"""Any timm network with stages at strides 4, 8, 16 and 32, through timm's `features_only`."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from variants.backbones import BACKBONES
from variants.backbones.contract import STRIDES, Backbone
from variants.backbones.weights import load_backbone_weights, load_hub_weights
from variants.errors import VariantError
from variants.suggest import did_you_mean

_PROBE_SIZE = 256


@dataclass(frozen=True)
class BackboneSource:
    """A backbone's text taken apart: timm name, timm arguments, input normalisation if given."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    mean: float | None = None
    std: float | None = None


@dataclass(frozen=True)
class Contract:
    """Where a timm network keeps its four stages.

    picked: indices of the stages among its maps. channels: of F1..F4. channels_last: maps come as
    (N, H, W, C).
    """

    picked: tuple[int, ...]
    channels: tuple[int, ...]
    channels_last: bool


class TimmBackbone(Backbone):
    """Four stages of a timm network, always NCHW."""

    def __init__(self, net: nn.Module, contract: Contract, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__(contract.channels, mean, std)
        self.net = net
        self.contract = contract

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, 3, H, W) -> F1..F4, F_i of shape (N, channels[i - 1], H / 2^(i+1), W / 2^(i+1))."""
        maps = self.net(image)
        stages = [maps[i] for i in self.contract.picked]
        if self.contract.channels_last:
            stages = [stage.permute(0, 3, 1, 2).contiguous() for stage in stages]
        return stages


def parse_backbone(text: str) -> BackboneSource:
    """Take `NAME@ARGUMENT=VALUE,...` apart; `mean` and `std` are the input normalisation."""
    name, _, rest = text.partition("@")
    arguments = dict(pair.split("=", 1) for pair in rest.split(",")) if rest else {}
    values = {key: _literal(value) for key, value in arguments.items()}
    for key in ("mean", "std"):
        if not isinstance(values.get(key, 0.0), int | float):
            raise VariantError(f"backbone {text!r}: {key} is {values[key]!r}, not a number")
    return BackboneSource(name, mean=values.pop("mean", None), std=values.pop("std", None), arguments=values)


def build_timm_backbone(text: str, pretrained: bool, weights_dir: Path | None) -> Backbone:
    """Build a backbone with random or ImageNet weights.

    Raises:
        VariantError: unknown to timm, other strides, or weights that cannot be had or do not fit.
    """
    source = parse_backbone(text)
    contract = _contract(text)
    net = _create(source)
    if pretrained:
        load_imagenet_weights(net, source, weights_dir)
    return TimmBackbone(net, contract, *normalisation(source))


def load_imagenet_weights(net: nn.Module, source: BackboneSource, weights_dir: Path | None) -> None:
    """Load ImageNet weights into a `features_only` network: from the folder, else from timm's hub.

    Raises:
        VariantError: they cannot be had or do not fit.
    """
    if weights_dir is not None:
        load_backbone_weights(net, source.name, weights_dir)
    else:
        load_hub_weights(net, source.name, source.arguments)


@lru_cache
def _contract(text: str) -> Contract:
    """Find the indices and channels of the four stages, and whether maps come as NHWC.

    Looked at on the meta device, where a network has shapes but no memory.
    """
    with torch.device("meta"):
        net = _create(parse_backbone(text))
    info = net.feature_info
    strides, channels = list(info.reduction()), list(info.channels())
    if any(strides.count(stride) != 1 for stride in STRIDES):
        raise VariantError(
            f"backbone {text!r} has stages at strides {strides}; a variant needs one at each of "
            f"{list(STRIDES)}. `bench list backbones` names networks that have them."
        )
    picked = tuple(strides.index(stride) for stride in STRIDES)
    shapes = _map_shapes(net, text, picked)
    wanted = [(channels[i], _PROBE_SIZE // strides[i], _PROBE_SIZE // strides[i]) for i in picked]
    channels_last = shapes == [(h, w, c) for c, h, w in wanted]
    if shapes != wanted and not channels_last:
        raise VariantError(f"backbone {text!r} gives maps of shape {shapes} where {wanted} are due")
    return Contract(picked, tuple(channels[i] for i in picked), channels_last)


def _map_shapes(net: nn.Module, text: str, picked: tuple[int, ...]) -> list[tuple[int, ...]]:
    try:
        with torch.no_grad():
            maps = net.eval()(torch.zeros(1, 3, _PROBE_SIZE, _PROBE_SIZE, device="meta"))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise VariantError(
            f"backbone {text!r} refuses an image of {_PROBE_SIZE}x{_PROBE_SIZE}: {error}. It was made "
            "for one input size; a variant takes any size."
        ) from None
    return [tuple(maps[i].shape[1:]) for i in picked]


def _create(source: BackboneSource) -> Any:
    """timm's network; `Any`, because timm types what `features_only` returns as nothing."""
    check_timm_name(source.name)
    try:
        return timm.create_model(source.name, features_only=True, **source.arguments)
    except (TypeError, RuntimeError, AttributeError, AssertionError, KeyError) as error:
        raise VariantError(f"timm cannot build backbone {source.name!r} with stages: {error}") from None


def check_timm_name(name: str) -> None:
    """Refuse a name that timm does not know.

    Raises:
        VariantError: with the closest known one.
    """
    architecture = name.partition(".")[0]
    if not timm.is_model(architecture):
        hint = did_you_mean(architecture, [*BACKBONES, *timm.list_models()])
        raise VariantError(
            f"backbone {name!r} is not known here or to timm {timm.__version__}.{hint} "
            "`bench list backbones` names tested ones."
        )


def normalisation(source: BackboneSource) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of the input that the network's ImageNet weights expect."""
    config = timm.get_pretrained_cfg(source.name)
    mean = (source.mean,) * 3 if source.mean is not None else tuple(config.mean if config else (0.5,) * 3)
    std = (source.std,) * 3 if source.std is not None else tuple(config.std if config else (0.5,) * 3)
    return mean, std


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
