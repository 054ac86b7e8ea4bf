"""The one-line name of a spec, and back.

    mobilenetv2_100+fpn64-head32                          a plain FPN
    resnet18+frm1234-dnl-w128+fpn64-head32                FRM over all four stages
    resnet18+frm34-transformer-w128-depth2-heads4-ffn2+fpn64-head32

The name holds every axis, so it is also the way to say a variant on the command line. It is safe
as a shell word and as a file name.
"""

from __future__ import annotations

import re
from typing import Any

from variants.errors import VariantError
from variants.spec import VariantSpec, make_spec

_TAGS = {
    "w": "module_width",
    "depth": "transformer_depth",
    "heads": "transformer_heads",
    "ffn": "transformer_ffn_ratio",
    "fpn": "decoder_width",
    "head": "head_width",
}
_MODULE_TAGS = ("w", "depth", "heads", "ffn")
EXAMPLE_NAME = "mobilenetv2_100+frm1234-dnl-w128+fpn64-head32"


def format_name(spec: VariantSpec) -> str:
    """Return the name of a spec."""
    parts = [spec.backbone]
    if spec.fused_stages:
        stages = "".join(map(str, spec.fused_stages))
        tags = [f"{tag}{getattr(spec, _TAGS[tag])}" for tag in _MODULE_TAGS if getattr(spec, _TAGS[tag])]
        parts.append("-".join([f"frm{stages}", spec.context, *tags]))
    parts.append(f"fpn{spec.decoder_width}-head{spec.head_width}")
    return "+".join(parts)


def parse_name(name: str) -> VariantSpec:
    """Read a name back into its spec.

    Raises:
        VariantError: the name does not follow the grammar, or the axes do not fit together.
    """
    backbone, *parts = name.split("+")
    axes: dict[str, Any] = {"backbone": backbone, "fused_stages": (), "context": "none"}
    if len(parts) not in (1, 2):
        raise _grammar_error(name)
    if len(parts) == 2:
        axes |= _parse_module(name, parts[0])
    decoder = _parse_tags(name, parts[-1].split("-"), ("fpn", "head"))
    if len(decoder) != 2:
        raise _grammar_error(name)
    axes |= decoder
    return make_spec(**axes)


def _parse_module(name: str, text: str) -> dict[str, Any]:
    stages, _, rest = text.partition("-")
    context, *tags = rest.split("-")
    if not re.fullmatch(r"frm[1-4]{1,4}", stages):
        raise _grammar_error(name)
    axes = {"fused_stages": tuple(map(int, stages[3:])), "context": context}
    return axes | _parse_tags(name, tags, _MODULE_TAGS)


def _parse_tags(name: str, tags: list[str], allowed: tuple[str, ...]) -> dict[str, int]:
    axes: dict[str, int] = {}
    for tag in tags:
        match = re.fullmatch(r"([a-z]+)(\d+)", tag)
        if not match or match[1] not in allowed or _TAGS[match[1]] in axes:
            raise _grammar_error(name)
        axes[_TAGS[match[1]]] = int(match[2])
    return axes


def _grammar_error(name: str) -> VariantError:
    return VariantError(
        f"variant name {name!r} does not read as BACKBONE[+frmSTAGES-CONTEXT-wWIDTH]+fpnWIDTH-headWIDTH, "
        f"for example {EXAMPLE_NAME}. `bench list` names the backbones and context blocks."
    )
