"""What can be known about specs before anything is measured: whether their networks can be built."""

from __future__ import annotations

from collections.abc import Iterable

from variants.backbones import backbone_channels
from variants.frm import module_width
from variants.network import check_variant
from variants.spec import VariantSpec


def check_variants(specs: Iterable[VariantSpec]) -> None:
    """Refuse specs whose networks cannot be built; of our own, only what the backbone decides is looked at.

    So ten thousand variants on a few backbones are checked in the time of a few.

    Raises:
        VariantError: why the first that cannot be built cannot.
    """
    for spec in specs:
        if spec.network != "frm":
            check_variant(spec)
            continue
        channels = backbone_channels(str(spec.backbone))
        if spec.fused_stages:
            module_width(spec, channels)
