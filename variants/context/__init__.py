"""Context blocks: one file a block, one line in the table below.

The table is plain text and axes, so that a spec is validated without loading torch. `build_context`
loads the block's module. A block is an `nn.Module` built as `Block(width, **options)` that maps
(N, width, h, w) to (N, width, h, w). A package of your own adds one by an entry point of the group
`segmentation_bench.contexts` that names a `ContextEntry`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING

from variants.axes import Axis, Choice, Number, Value, choices
from variants.registry import Registry

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class ContextEntry:
    """Where a block lives and which axes it takes beside the width.

    The names of the axes are those of the parameters of the block's `__init__`. Blocks may share a
    name (`reduction`) with defaults of their own.
    """

    module: str
    class_name: str
    summary: str
    axes: tuple[Axis, ...] = ()


REDUCTION = Number(
    name="reduction",
    tag="r",
    default=2,
    low=1,
    high=64,
    summary="inner channels are the width divided by this",
)
TEMPERATURE = Number(
    name="temperature",
    tag="t",
    default=1.0,
    low=0.001,
    high=100,
    whole=False,
    summary="attention logits are divided by this; low is sharp",
)
NORM = Choice(
    name="norm",
    tag="norm",
    default="batch",
    options=choices("batch", "group", "layer", "none"),
    summary="normalisation inside the context block",
)
_TRANSFORMER = (
    Number(name="transformer_depth", tag="depth", low=1, high=24, summary="encoder blocks"),
    Number(name="transformer_heads", tag="heads", low=1, high=64, summary="attention heads; divide the width"),
    Number(name="transformer_ffn_ratio", tag="ffn", low=1, high=16, summary="feed-forward width over the width"),
)
_DILATION = Number(
    name="dilation",
    tag="dil",
    default=6,
    low=1,
    high=64,
    summary="smallest dilation of the three; the others are twice and three times this",
)

CONTEXTS: Registry[ContextEntry] = Registry(
    "context",
    "contexts",
    "segmentation_bench.contexts",
    ContextEntry,
    {
        "none": ContextEntry("variants.context.identity", "NoContext", "fusion only, no context"),
        "nonlocal": ContextEntry(
            "variants.context.nonlocal_block",
            "NonLocal",
            "embedded-Gaussian non-local block",
            (REDUCTION, TEMPERATURE, NORM),
        ),
        "dnl": ContextEntry(
            "variants.context.dnl",
            "DisentangledNonLocal",
            "disentangled non-local block: whitened pairwise term and unary term",
            (REDUCTION, replace(TEMPERATURE, default=0.05), NORM),
        ),
        "transformer": ContextEntry(
            "variants.context.transformer",
            "TransformerContext",
            "pre-norm transformer encoder blocks",
            _TRANSFORMER,
        ),
        "linear": ContextEntry(
            "variants.context.linear_attention",
            "LinearAttention",
            "efficient attention, linear in the positions: for large maps",
            (REDUCTION, NORM),
        ),
        "channel": ContextEntry(
            "variants.context.channel",
            "ChannelAttention",
            "squeeze-and-excitation over the channels",
            (replace(REDUCTION, default=16),),
        ),
        "cbam": ContextEntry(
            "variants.context.cbam",
            "ChannelSpatialAttention",
            "channel attention, then spatial attention (CBAM)",
            (replace(REDUCTION, default=16),),
        ),
        "ppm": ContextEntry(
            "variants.context.ppm",
            "PyramidPooling",
            "pyramid pooling module of PSPNet",
            (replace(REDUCTION, default=4), NORM),
        ),
        "aspp": ContextEntry(
            "variants.context.aspp",
            "AtrousPyramid",
            "atrous spatial pyramid pooling of DeepLabV3",
            (replace(REDUCTION, default=4), _DILATION, NORM),
        ),
    },
)


def build_context(name: str, width: int, options: dict[str, Value]) -> nn.Module:
    """Build block `name` for maps of `width` channels; `options` are its axes' values."""
    entry = CONTEXTS[name]
    block: nn.Module = getattr(import_module(entry.module), entry.class_name)(width, **options)
    return block


def context_source(name: str) -> str:
    """Return the module that defines block `name`, whose source decides its results."""
    return CONTEXTS[name].module
