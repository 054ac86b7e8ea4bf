"""What a part does, in words."""

from __future__ import annotations

from collections import Counter
from typing import cast

from torch import nn

from variants.context import CONTEXTS
from variants.spec import STAGE_STRIDES, VariantSpec

_SIDE_LAYERS = ("Activation", "BatchNorm", "BatchNorm2d", "Dropout", "Dropout2d", "Identity", "ReLU")
"""Layers that no description names."""


def unify_words(spec: VariantSpec, stage: int) -> str:
    """How a fused stage comes to the target."""
    own, target = STAGE_STRIDES[stage - 1], cast(int, spec.target_stride)
    if own == target:
        return f"as it is, at 1/{target}"
    if own > target:
        return f"enlarged bilinearly to 1/{target}"
    halvings = (target // own).bit_length() - 1
    convs = f"{halvings} 3x3 convs of stride 2" if halvings > 1 else "3x3 conv of stride 2"
    how = {"avg": "average pool", "max": "maximum pool", "conv": convs}[str(spec.unify)]
    return f"{how} to 1/{target}"


def fuse_words(spec: VariantSpec, width: int) -> str:
    """How the stages become one map of `width` channels."""
    stages = " ".join(f"F{stage}" for stage in spec.fused_stages or ())
    conv = "" if spec.fusion_conv == "none" else f", {spec.fusion_conv} conv"
    to = f"{conv} to {width}" if conv else ""
    if spec.fuse is None:
        return f"{stages} alone{to}"
    if spec.fuse == "concat":
        return f"concatenation of {stages}{to}"
    gates = ", each behind a gate" if spec.fuse == "gated" else ""
    return f"1x1 convs of {stages} to {width}{gates}, summed{conv}"


def context_words(spec: VariantSpec) -> str:
    """The block's summary, short, and the values of its axes."""
    name = str(spec.context)
    words = [CONTEXTS[name].summary.partition(":")[0]]
    for axis, value in spec.context_options.items():
        label = axis.removeprefix(f"{name}_").replace("_", " ").replace("ffn", "feed-forward")
        words.append(f"{value} norm" if axis == "norm" else f"{label} {value}")
    return ", ".join(words)


def top_words(spec: VariantSpec, keeps_f4: bool) -> str:
    """What takes F4's place."""
    pooled = f"pooled to 1/{STAGE_STRIDES[3]}" if spec.target_stride != STAGE_STRIDES[3] else ""
    joined = "concatenated with F4" if keeps_f4 else ""
    how = " and ".join(word for word in (pooled, joined) if word)
    return f"top: the refined map{f', {how},' if how else ''} takes F4's place"


def head_words(spec: VariantSpec) -> str:
    """How the levels become one map."""
    return {
        "sum": f"each level by 3x3 convs to {spec.head_width} and to 1/4, summed",
        "concat": f"each level by a 1x1 conv to {spec.head_width}, concatenated at 1/4, 1x1 conv",
        "plain": "levels summed at 1/4",
    }[str(spec.head)]


def layer_words(modules: list[nn.Module]) -> str:
    """ "3x3 conv, 4 BasicBlock": what a part is made of, without norms and activations."""
    if len(modules) == 1 and isinstance(modules[0], nn.Conv2d):
        return f"{_conv_words(modules[0])} to {modules[0].out_channels}"
    names = [name for module in modules for name in _flat(module) if name not in _SIDE_LAYERS]
    return ", ".join(
        f"{n} {name}{'s' * name.endswith('conv')}" if n > 1 else name for name, n in Counter(names).items()
    )


def _flat(module: nn.Module) -> list[str]:
    if isinstance(module, nn.Sequential):
        return [name for child in module for name in _flat(child)]
    return [_conv_words(module) if isinstance(module, nn.Conv2d) else type(module).__name__]


def _conv_words(conv: nn.Conv2d) -> str:
    return "x".join(map(str, conv.kernel_size)) + " conv"
