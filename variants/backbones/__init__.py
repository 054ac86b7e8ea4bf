"""Backbones: anything that gives four stages at strides 4, 8, 16 and 32.

Our own stand in the table below, one file a family; every other name is timm's. A package of your own
adds one by an entry point of the group `segmentation_bench.backbones` that names a `BackboneEntry`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from variants.claims import Claim
from variants.errors import VariantError
from variants.registry import Registry

if TYPE_CHECKING:
    from variants.backbones.contract import Backbone

_PROBE_SIZE = 256
_TIMM = "variants.backbones.timm_adapter"


@dataclass(frozen=True)
class BackboneEntry:
    """Where a backbone's builder lives and what was published about it.

    The builder is called as `builder(name, pretrained, weights_dir)` and returns a
    `variants.backbones.contract.Backbone`.
    """

    module: str
    builder: str
    summary: str
    claims: tuple[Claim, ...] = ()


def _van(parameters_m: float, macs_g: float) -> BackboneEntry:
    paper = "Guo et al. 2022, Visual Attention Network"
    claims = (
        Claim(metric="parameters_m", value=parameters_m, source=f"{paper}, without the classifier", scope="backbone"),
        Claim(
            metric="macs_g",
            value=macs_g,
            source=f"{paper}, derived from its table of widths and depths",
            scope="backbone",
        ),
    )
    return BackboneEntry("variants.backbones.van", "build_van", f"Visual Attention Network, {paper}", claims)


BACKBONES: Registry[BackboneEntry] = Registry(
    "backbone",
    "backbones",
    "segmentation_bench.backbones",
    BackboneEntry,
    {"van_b0": _van(3.85, 36.11), "van_b1": _van(13.35, 104.27), "van_b2": _van(26.07, 208.66)},
)


def build_backbone(text: str, pretrained: bool = False, weights_dir: Path | None = None) -> Backbone:
    """Build a backbone with random or ImageNet weights.

    Raises:
        VariantError: unknown here and to timm, other strides, or weights that cannot be had or do not fit.
    """
    name, _, arguments = text.partition("@")
    backbone: Backbone
    if name in BACKBONES or name in BACKBONES.broken:
        entry = BACKBONES[name]
        if arguments:
            raise VariantError(f"backbone {name!r} takes no arguments, got {arguments!r}", "backbone")
        backbone = getattr(import_module(entry.module), entry.builder)(name, pretrained, weights_dir)
    else:
        backbone = import_module(_TIMM).build_timm_backbone(text, pretrained, weights_dir)
    return backbone


@lru_cache
def backbone_channels(text: str) -> tuple[int, ...]:
    """Channels of F1..F4, after a look at the stages on the meta device, where nothing real is built.

    Raises:
        VariantError: unknown, or it does not give four stages at strides 4, 8, 16 and 32.
    """
    import torch

    from variants.backbones.contract import STRIDES

    with torch.device("meta"):
        backbone = build_backbone(text).eval()
        try:
            stages = backbone(torch.zeros(1, 3, _PROBE_SIZE, _PROBE_SIZE))
        except (AssertionError, RuntimeError, ValueError) as error:
            raise VariantError(f"backbone {text!r} refuses an image of {_PROBE_SIZE}x{_PROBE_SIZE}: {error}") from None
    shapes = [tuple(stage.shape[1:]) for stage in stages]
    sides = [_PROBE_SIZE // stride for stride in STRIDES]
    wanted = [(channels, side, side) for channels, side in zip(backbone.channels, sides, strict=True)]
    if shapes != wanted:
        raise VariantError(f"backbone {text!r} gives maps of shape {shapes} where {wanted} are due", "backbone")
    return backbone.channels


def check_backbone(text: str) -> None:
    """Refuse a backbone that is unknown or misses a stage; builds nothing real.

    Raises:
        VariantError: with the strides that it has, or the closest known name.
    """
    backbone_channels(text)


def backbone_source(text: str) -> str:
    """Return the module that builds a backbone, whose source decides its results."""
    name = text.partition("@")[0]
    return BACKBONES[name].module if name in BACKBONES else _TIMM
