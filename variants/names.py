"""The one-line name of a spec, and back.

    mobilenetv2_100+fpn64-head32                                  a plain FPN
    resnet18+frm1234-dnl-w128+fpn64-head32                        FRM over all four stages
    resnet18+frm34-dnl-s16-maxpool-w128-r4+fpn64-concathead-head32
    resnet18+smp_unet                                             another decoder on the same backbone
    ddrnet23_slim                                                 a network built as a whole

The name holds every axis that is not at its default, so it is also the way to say a variant on the
command line; so is a preset's name. It is safe as a shell word and as a file name.
"""

from __future__ import annotations

from typing import Any

from variants.axes import Axis, Value
from variants.context import CONTEXTS
from variants.errors import VariantError
from variants.networks import NETWORKS
from variants.presets import PRESETS
from variants.spec import (
    CORE_BY_NAME,
    DECODER_WORDS,
    MODULE_WORDS,
    VariantSpec,
    make_spec,
)
from variants.suggest import did_you_mean

EXAMPLE_NAME = "mobilenetv2_100+frm1234-dnl-w128+fpn64-head32"


def parse_name(name: str) -> VariantSpec:
    """Read a name, or a preset's name, into its spec.

    Raises:
        VariantError: the name does not follow the grammar, or the axes do not fit together.
    """
    if name in PRESETS:
        return parse_name(PRESETS[name].variant)
    first, *parts = name.split("+")
    if not parts:
        return _parse_whole(first)
    if len(parts) == 1 and parts[0] in NETWORKS:
        return make_spec(network=parts[0], backbone=first)
    if len(parts) > 2:
        raise _grammar_error(name)
    axes: dict[str, Any] = {"backbone": first, "fused_stages": ()}
    if len(parts) == 2:
        axes |= _parse_module(name, parts[0])
    return make_spec(**axes, **_parse_tokens(name, parts[-1].split("-"), DECODER_WORDS, "decoder"))


def _parse_whole(name: str) -> VariantSpec:
    if name in NETWORKS and not NETWORKS[name].takes_backbone:
        return make_spec(network=name)
    whole = [entry for entry in NETWORKS if not NETWORKS[entry].takes_backbone]
    raise _grammar_error(name, did_you_mean(name, [*whole, *PRESETS]))


def _parse_module(name: str, text: str) -> dict[str, Any]:
    first, _, rest = text.partition("-")
    context, *tokens = rest.split("-")
    stages = CORE_BY_NAME["fused_stages"].read(first)
    if stages is None:
        raise _grammar_error(name)
    options = list(CONTEXTS[context].axes)
    return {"fused_stages": stages, "context": context} | _parse_tokens(
        name, tokens, [*MODULE_WORDS, *options], "module"
    )


def _parse_tokens(name: str, tokens: list[str], axes: list[Axis], part: str) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for token in tokens:
        readings = [(axis.name, value) for axis in axes if (value := axis.read(token)) is not None]
        if not readings or readings[0][0] in found:
            raise _token_error(name, token, axes, part)
        found[readings[0][0]] = readings[0][1]
    return found


def _token_error(name: str, token: str, axes: list[Axis], part: str) -> VariantError:
    words = ", ".join(f"{axis.token(_example(axis))} ({axis.name})" for axis in axes)
    known = any(axis.read(token) is not None for axis in axes)
    fault = "says again what an earlier word says" if known else f"is no word of the {part}"
    hint = did_you_mean(token, NETWORKS) if part == "decoder" and not known else ""
    return VariantError(f"variant name {name!r}: {token!r} {fault}.{hint} Its words: {words}.")


def _example(axis: Axis) -> Value:
    """A value for a message: any that is valid."""
    if axis.default is not None:
        return axis.default
    return {"module_width": 128}.get(axis.name, 2)


def _grammar_error(name: str, hint: str = "") -> VariantError:
    return VariantError(
        f"variant name {name!r} does not read as BACKBONE[+frmSTAGES-CONTEXT-wWIDTH]+fpnWIDTH-headWIDTH "
        f"(for example {EXAMPLE_NAME}), as BACKBONE+NETWORK, or as a network or preset.{hint} "
        "`bench list` names backbones, contexts, networks and presets."
    )
