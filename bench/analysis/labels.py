"""Short labels: of the axes of a spec, only those in which the variants of a study differ."""

from __future__ import annotations

import math
from typing import Any

_WORDS = {
    "fused_stages": "F{}",
    "target_stride": "1/{}",
    "unify": "{} pool",
    "fuse": "{} fusion",
    "fusion_conv": "{} conv",
    "module_width": "w{}",
    "reenter": "{} level",
    "reduction": "r{}",
    "temperature": "T{}",
    "norm": "{} norm",
    "dilation": "dil{}",
    "transformer_depth": "depth{}",
    "transformer_heads": "heads{}",
    "transformer_ffn_ratio": "ffn{}",
    "decoder_width": "fpn{}",
    "head": "{} head",
    "head_width": "head{}",
}
"""How a value is said; an axis that stands not here, of a block from elsewhere, by its own name."""
_OF_EVERY_VARIANT = frozenset(
    "fused_stages target_stride unify fuse fusion_conv module_width reenter decoder_width head head_width".split()
)
_SAID_ANYWAY = frozenset(("variant", "label", "network", "backbone", "context"))
PLAIN = "plain FPN"


def short_labels(specs: list[dict[str, Any]]) -> list[str]:
    """One label a spec (its axes by name), as short as telling them apart allows."""
    varying = [axis for axis in _axes(specs) if _tells_apart(axis, specs)]
    return [
        " · ".join([part for part in (backbone, module_label(spec)) if part])
        + "".join(f" {_axis_words(axis, spec[axis])}" for axis in varying if _applies(spec, axis))
        for backbone, spec in zip(backbone_labels(specs), specs, strict=True)
    ]


def backbone_labels(specs: list[dict[str, Any]]) -> list[str]:
    """The backbones, with their arguments only where those tell them apart; "" for a network without one."""
    texts = [str(spec.get("backbone") or "") for spec in specs]
    bare = [text.partition("@")[0] for text in texts]
    with_arguments: dict[str, set[str]] = {}
    for text, name in zip(texts, bare, strict=True):
        with_arguments.setdefault(name, set()).add(text)
    return [text if len(with_arguments[name]) > 1 else name for text, name in zip(texts, bare, strict=True)]


def module_label(spec: dict[str, Any]) -> str:
    """What stands on the backbone: a context block's name, that nothing refines, or another network."""
    if (spec.get("network") or "frm") != "frm":
        return str(spec["network"])
    if not spec["fused_stages"]:
        return PLAIN
    return f"FRM {spec['context']}" if spec["context"] != "none" else "FRM, no context"


def axis_words(axis: str, value: Any) -> str:
    """A value of an axis, alone."""
    if axis == "backbone":
        return str(value).partition("@")[0]
    if axis == "fused_stages" and not value:
        return "no module"
    return str(value) if axis in ("network", "context") else _axis_words(axis, value)


def _axes(specs: list[dict[str, Any]]) -> list[str]:
    """All axes that say something, in the order of the words above, then the others."""
    there = {axis for spec in specs for axis in spec} - _SAID_ANYWAY
    return [axis for axis in _WORDS if axis in there] + sorted(there - set(_WORDS))


def _tells_apart(axis: str, specs: list[dict[str, Any]]) -> bool:
    """Whether values differ; those of a context block's own axis among variants with the same block."""
    said: dict[Any, set[str]] = {}
    for spec in specs:
        if _applies(spec, axis):
            said.setdefault(None if axis in _OF_EVERY_VARIANT else spec["context"], set()).add(_said(spec[axis]))
    return any(len(values) > 1 for values in said.values())


def _applies(spec: dict[str, Any], axis: str) -> bool:
    value = spec.get(axis)
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return not missing and value not in ([], ())


def _said(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "".join(map(str, value))
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _axis_words(axis: str, value: Any) -> str:
    return _WORDS.get(axis, f"{axis.replace('_', ' ')} {{}}").format(_said(value))
