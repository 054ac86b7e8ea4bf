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


class SpecError(VariantError):
    """A spec that reads well and whose network still cannot be built or run."""

    def __init__(self, message: str, spec: VariantSpec, axis: str) -> None:
        """`axis`: whose value in `spec` is at fault."""
        super().__init__(message, axis)
        self.spec = spec
        self.axis = axis


def check_variants(specs: Iterable[VariantSpec]) -> None:
    """Refuse specs whose networks cannot be built or trained; of ours, each backbone and each block is tried once.

    On the meta device, where nothing real is built, so ten thousand variants on a few backbones take seconds.

    Raises:
        SpecError: why the first that cannot be built or run cannot.
    """
    tried: set[_Block] = set()
    for spec in specs:
        if spec.network != "frm":
            _try_network(spec)
            continue
        channels = _channels(spec)
        if spec.fused_stages:
            block = (str(spec.context), _module_width(spec, channels), spec.options)
            if block not in tried:
                _try_block(spec, block)
            tried.add(block)


def _channels(spec: VariantSpec) -> tuple[int, ...]:
    try:
        return backbone_channels(str(spec.backbone))
    except VariantError as error:
        raise SpecError(str(error), spec, "backbone") from None


def _module_width(spec: VariantSpec, channels: tuple[int, ...]) -> int:
    try:
        return module_width(spec, channels)
    except VariantError as error:
        raise SpecError(str(error), spec, "transformer_heads") from None


def _try_network(spec: VariantSpec) -> None:
    with torch.device("meta"):
        try:
            build(spec, num_classes=2).train()(torch.zeros(_IMAGE))
        except VariantError as error:
            raise SpecError(str(error), spec, "backbone" if spec.backbone else "network") from None
        except (RuntimeError, ValueError, TypeError, AssertionError) as error:
            raise SpecError(f"{spec.name} cannot run: {_first_line(error)}", spec, "network") from None


def _try_block(spec: VariantSpec, block: _Block) -> None:
    name, width, options = block
    with torch.device("meta"):
        try:
            build_context(name, width, dict(options)).train()(torch.zeros(1, width, *_MAP))
        except (RuntimeError, ValueError, TypeError, AssertionError) as error:
            words = f"{spec.name} cannot run: context {name!r}: {_first_line(error)}"
            raise SpecError(words, spec, "context") from None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
