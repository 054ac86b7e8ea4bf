"""Short labels: of the axes of a spec, only those in which the variants of a study differ."""

from __future__ import annotations

from typing import Any

_TAGS = {
    "module_width": "w", "transformer_depth": "depth", "transformer_heads": "heads",
    "transformer_ffn_ratio": "ffn", "decoder_width": "fpn", "head_width": "head",
}  # fmt: skip
PLAIN = "plain FPN"


def short_labels(specs: list[dict[str, Any]]) -> list[str]:
    """One label a spec (its axes by name), as short as telling them apart allows."""
    with_module = [spec for spec in specs if spec["fused_stages"]]
    varying = {axis for axis in _TAGS if len({s[axis] for s in with_module if s[axis] is not None}) > 1}
    varying |= {axis for axis in ("decoder_width", "head_width") if len({s[axis] for s in specs}) > 1}
    if len({tuple(spec["fused_stages"]) for spec in with_module}) > 1:
        varying.add("fused_stages")
    return [" ".join([backbone_label(spec), *_module_parts(spec, varying)]) for spec in specs]


def backbone_label(spec: dict[str, Any]) -> str:
    """The timm name without its arguments."""
    return str(spec["backbone"]).partition("@")[0]


def module_label(spec: dict[str, Any]) -> str:
    """What refines the features: a context block's name, or that nothing does."""
    if not spec["fused_stages"]:
        return PLAIN
    return f"FRM {spec['context']}" if spec["context"] != "none" else "FRM, no context"


def _module_parts(spec: dict[str, Any], varying: set[str]) -> list[str]:
    parts = ["·", module_label(spec)]
    if "fused_stages" in varying and spec["fused_stages"]:
        parts.append("F" + "".join(str(stage) for stage in spec["fused_stages"]))
    return parts + [f"{tag}{spec[axis]:g}" for axis, tag in _TAGS.items() if axis in varying and spec[axis] is not None]
