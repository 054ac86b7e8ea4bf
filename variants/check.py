"""What can be known about specs before anything is measured: whether their networks can be built and run."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from variants.axes import Value
from variants.backbones import backbone_channels
from variants.context import build_context
from variants.errors import VariantError
from variants.frm import module_width
from variants.network import build
from variants.spec import VariantSpec

_IMAGE = (1, 3, 96, 128)
_MAP = (3, 4)
_Block = tuple[str, int, tuple[tuple[str, Value], ...]]


def check_variants(specs: Iterable[VariantSpec]) -> None:
    """Refuse specs whose networks cannot be built or trained; of ours, each backbone and each block is tried once.

    On the meta device, where nothing real is built, so ten thousand variants on a few backbones take seconds.

    Raises:
        VariantError: why the first that cannot be built or run cannot.
    """
    tried: set[_Block] = set()
    for spec in specs:
        if spec.network != "frm":
            _try_network(spec)
            continue
        channels = backbone_channels(str(spec.backbone))
        if spec.fused_stages:
            block = (str(spec.context), module_width(spec, channels), spec.options)
            if block not in tried:
                _try_block(spec, block)
            tried.add(block)


def _try_network(spec: VariantSpec) -> None:
    with torch.device("meta"):
        try:
            build(spec, num_classes=2).train()(torch.zeros(_IMAGE))
        except (RuntimeError, ValueError, TypeError, AssertionError) as error:
            raise VariantError(f"{spec.name} cannot run: {_first_line(error)}", "network") from None


def _try_block(spec: VariantSpec, block: _Block) -> None:
    name, width, options = block
    with torch.device("meta"):
        try:
            build_context(name, width, dict(options)).train()(torch.zeros(1, width, *_MAP))
        except (RuntimeError, ValueError, TypeError, AssertionError) as error:
            raise VariantError(f"{spec.name} cannot run: context {name!r}: {_first_line(error)}", "context") from None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
