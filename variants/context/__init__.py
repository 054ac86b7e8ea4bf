"""Context blocks: one file a block, one line in the table below.

The table is plain text, so that a spec is validated without loading torch. `build_context`
loads the block's module. A block is an `nn.Module` built as `Block(width, **options)` that maps
(N, width, h, w) to (N, width, h, w).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class ContextEntry:
    """Where a block lives and which axes of the spec it takes beside the width."""

    module: str
    class_name: str
    summary: str
    axes: tuple[str, ...] = ()


CONTEXTS: dict[str, ContextEntry] = {
    "none": ContextEntry("variants.context.identity", "NoContext", "fusion only, no context"),
    "nonlocal": ContextEntry("variants.context.nonlocal_block", "NonLocal", "embedded-Gaussian non-local block"),
    "dnl": ContextEntry(
        "variants.context.dnl",
        "DisentangledNonLocal",
        "disentangled non-local block: whitened pairwise term and unary term",
    ),
    "transformer": ContextEntry(
        "variants.context.transformer",
        "TransformerContext",
        "pre-norm transformer encoder blocks",
        ("transformer_depth", "transformer_heads", "transformer_ffn_ratio"),
    ),
}


def build_context(name: str, width: int, options: dict[str, Any]) -> nn.Module:
    """Build block `name` for maps of `width` channels; `options` are its axes' values."""
    entry = CONTEXTS[name]
    block: nn.Module = getattr(import_module(entry.module), entry.class_name)(width, **options)
    return block


def context_source(name: str) -> str:
    """Return the module that defines block `name`, whose source decides its results."""
    return CONTEXTS[name].module
