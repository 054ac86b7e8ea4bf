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
    backbones = backbone_labels(specs)
    return [
        " ".join([backbone, *_module_parts(spec, varying)]) for backbone, spec in zip(backbones, specs, strict=True)
    ]


def backbone_labels(specs: list[dict[str, Any]]) -> list[str]:
    """The timm names, with their arguments only where those tell backbones apart."""
    texts = [str(spec["backbone"]) for spec in specs]
    bare = [text.partition("@")[0] for text in texts]
    ambiguous = {name for name in bare if len({t for t, b in zip(texts, bare, strict=True) if b == name}) > 1}
    return [text if name in ambiguous else name for text, name in zip(texts, bare, strict=True)]


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
