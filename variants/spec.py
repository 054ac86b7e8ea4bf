"""VariantSpec: one point of the search space, frozen and validated."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast

from variants.axes import Axis, Choice, Name, Number, Stages, Stride, Value, Width, choices
from variants.context import CONTEXTS, ContextEntry
from variants.errors import VariantError
from variants.networks import NETWORKS
from variants.suggest import did_you_mean

STAGE_STRIDES = (4, 8, 16, 32)
"""Of F1 to F4."""
BACKBONE_PATTERN = r"[A-Za-z0-9_.]+(@[a-z_]+=[A-Za-z0-9_.]+(,[a-z_]+=[A-Za-z0-9_.]+)*)?"
_Values = Mapping[str, Value]

CORE_AXES: tuple[Axis, ...] = (
    Choice(
        name="network",
        default="frm",
        options=NETWORKS.names,
        plural="networks",
        summary="frm: backbone, feature refinement module, FPN; or a whole network to compare with",
    ),
    Name(
        name="backbone",
        pattern=BACKBONE_PATTERN,
        summary="a name of `bench list backbones` or of timm, with arguments for it behind an @",
    ),
    Stages(
        name="fused_stages",
        tag="frm",
        default=(1, 2, 3, 4),
        summary="stages (1 at 1/4 to 4 at 1/32) that the module fuses; empty: a plain FPN without the module",
    ),
    Choice(
        name="context",
        default="dnl",
        options=CONTEXTS.names,
        plural="contexts",
        summary="the block that refines the fused map",
    ),
    Stride(
        name="target_stride",
        tag="s",
        default=32,
        strides=(8, 16, 32),
        summary="of the fused map: stages are brought to 1/8, 1/16 or 1/32",
    ),
    Choice(
        name="unify",
        tag="pool",
        default="avg",
        options=choices("avg", "max", "conv"),
        summary="how finer stages come to the target: average, maximum, or strided 3x3 convolutions",
    ),
    Choice(
        name="fuse",
        tag="fusion",
        default="concat",
        options=choices("concat", "sum", "gated"),
        summary="how the stages become one map: concatenated, summed, or summed behind gates",
    ),
    Choice(
        name="fusion_conv",
        tag="conv",
        default="1x1",
        options=choices("none", "1x1", "3x3"),
        summary="the convolution after the fusion",
    ),
    Width(
        name="module_width",
        tag="w",
        summary="channels that the context block refines; or xF, F times the fused stages' channels together",
    ),
    Choice(
        name="reenter",
        tag="level",
        default="top",
        options=choices("top", "every"),
        summary="where the refined map enters the FPN: in F4's place, or at every level",
    ),
    Number(name="decoder_width", tag="fpn", default=64, low=8, high=2048, summary="channels of the FPN"),
    Choice(
        name="head",
        tag="head",
        default="sum",
        options=choices("sum", "concat", "plain"),
        summary="3x3 convolutions and a sum at 1/4; 1x1, concatenation and 1x1; or a plain 1x1 classifier",
    ),
    Number(name="head_width", tag="head", default=32, low=8, high=2048, summary="channels of the head"),
)
"""The axes of every spec, in the order in which they decide whether the next ones apply."""


@dataclass(frozen=True, kw_only=True)
class VariantSpec:
    """A network by its axes; made by `make_spec`, which validates.

    An axis that does not apply is None: a variant without fused stages has no module, hence no module
    width; a plain head has no width. What the axes mean stands in `CORE_AXES`.
    """

    network: str = "frm"
    backbone: str | None = None
    fused_stages: tuple[int, ...] | None = None
    context: str | None = None
    target_stride: int | None = None
    unify: str | None = None
    fuse: str | None = None
    fusion_conv: str | None = None
    module_width: int | str | None = None
    reenter: str | None = None
    decoder_width: int | None = None
    head: str | None = None
    head_width: int | None = None
    options: tuple[tuple[str, Value], ...] = field(default=())
    """Values of the axes that the context block declares."""

    @property
    def name(self) -> str:
        """The readable one-line name; `variants.names.parse_name` reads it back."""

        return format_name(self)

    @property
    def axes(self) -> dict[str, Value]:
        """The axes that apply, with their values."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "options"}
        return {axis: value for axis, value in own.items() if value is not None} | dict(self.options)

    def to_json(self) -> dict[str, Any]:
        """The axes that apply as plain JSON values."""
        return {axis: list(value) if isinstance(value, tuple) else value for axis, value in self.axes.items()}

    @property
    def content_hash(self) -> str:
        """12 hex digits of the SHA-256 of the canonical JSON: the identity of the spec.

        Values at their default are left out, so that a new axis renames no spec that does without it.
        """
        defaults = {axis.name: axis.default for axis in axes_of(self.axes)}
        chosen = {axis: value for axis, value in self.axes.items() if value != defaults[axis]}
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def context_options(self) -> dict[str, Value]:
        """The values of the axes that the context block takes, by axis name."""
        return dict(self.options)


def make_spec(**axes: Any) -> VariantSpec:
    """Build a spec from axis values; an axis that is left out has its default.

    Raises:
        VariantError: an axis is unknown, missing, out of range, or does not fit the others.
    """
    refuse_unknown_axes(axes)
    obstacles: dict[str, str] = {}
    spec = settle(axes, obstacles)
    for axis, obstacle in obstacles.items():
        if axes[axis] not in (None, ()):
            raise VariantError(f"{axis} {axes[axis]!r} does not apply to {obstacle}", axis)
    return spec


def settle(axes: Mapping[str, Any], obstacles: dict[str, str]) -> VariantSpec:
    """Build a spec from those of the axes that apply.

    Args:
        axes: values by axis.
        obstacles: filled, also before an error, with what each axis that was given in vain does not apply to.

    Raises:
        VariantError: an axis that applies is missing or out of range, or does not fit the others.
    """
    values: dict[str, Value] = {}
    for axis in _axes_in_order(values):
        obstacle = inapplicable(axis.name, values)
        if obstacle is None:
            values[axis.name] = _value(axis, axes.get(axis.name), values)
        elif axis.name in axes:
            obstacles[axis.name] = obstacle
    obstacles.update({name: context_words(values) for name in axes if name not in values and name not in obstacles})
    _refuse_misfits(values)
    core = {name: value for name, value in values.items() if is_core_axis(name)}
    options = tuple((name, value) for name, value in values.items() if not is_core_axis(name))
    return VariantSpec(**cast(Any, core), options=options)


def _axes_in_order(values: _Values) -> Iterable[Axis]:
    """The core axes, then those of the context that has been chosen by then."""
    yield from CORE_AXES
    if "context" in values:
        yield from CONTEXTS[str(values["context"])].axes


def _value(axis: Axis, given: Any, values: _Values) -> Value:
    if given is None:
        given = axis.default
    if given is None:
        in_module = axis.name == "module_width" or not is_core_axis(axis.name)
        needs = context_words(values) if in_module else f"network {values['network']!r}"
        raise VariantError(f"{axis.name} is missing: {needs} needs it", axis.name)
    try:
        return axis.check(given)
    except ValueError as error:
        raise VariantError(str(error), axis.name) from None


def inapplicable(axis: str, values: _Values) -> str | None:
    """What a core axis does not apply to, in words; None where it applies.

    Args:
        axis: its name.
        values: those of the axes before it.
    """
    obstacles = (find(values) for axes, find in _OBSTACLES if axis in axes)
    return next((obstacle for obstacle in obstacles if obstacle), None)


def _built_as_a_whole(values: _Values) -> str | None:
    network = str(values["network"])
    return None if NETWORKS[network].takes_backbone else f"network {network!r}, which is built as a whole"


def _another_network(values: _Values) -> str | None:
    return None if values["network"] == "frm" else f"network {values['network']!r}"


def _plain_head(values: _Values) -> str | None:
    return "a plain head" if values["head"] == "plain" else None


def _no_module(values: _Values) -> str | None:
    return None if values["fused_stages"] else "a variant without fused stages"


def _nothing_to_pool(values: _Values) -> str | None:
    target = cast(int, values["target_stride"])
    strides = [STAGE_STRIDES[stage - 1] for stage in cast(tuple[int, ...], values["fused_stages"])]
    return f"fused stages that are no finer than 1/{target}" if min(strides) >= target else None


def _single_stage(values: _Values) -> str | None:
    return "a single fused stage" if len(cast(tuple[int, ...], values["fused_stages"])) == 1 else None


def _keeps_all_channels(values: _Values) -> str | None:
    keeps = values.get("fuse", "concat") == "concat" and values["fusion_conv"] == "none"
    return "a concatenation without a convolution, which keeps all channels" if keeps else None


MODULE_AXES = frozenset("context target_stride unify fuse fusion_conv module_width reenter".split())
"""Core axes of the refinement module; the others but network, backbone and stages are the decoder's."""
_OBSTACLES: tuple[tuple[frozenset[str], Callable[[_Values], str | None]], ...] = (
    (frozenset(("backbone",)), _built_as_a_whole),
    (frozenset(axis.name for axis in CORE_AXES) - {"network", "backbone"}, _another_network),
    (frozenset(("head_width",)), _plain_head),
    (MODULE_AXES, _no_module),
    (frozenset(("unify",)), _nothing_to_pool),
    (frozenset(("fuse",)), _single_stage),
    (frozenset(("module_width",)), _keeps_all_channels),
)
"""For which axes to look, in this order, at what in the values before them."""


def _refuse_misfits(values: _Values) -> None:
    """Refuse values that each are right and do not go together.

    Raises:
        VariantError: heads that do not divide the width.
    """
    heads, width = values.get("transformer_heads"), values.get("module_width")
    if isinstance(heads, int) and isinstance(width, int) and width % heads:
        raise VariantError(f"module_width {width} is not a multiple of transformer_heads {heads}", "transformer_heads")


def context_fault(name: str, entry: ContextEntry) -> str:
    """Why names could not be read back with a context block from elsewhere; "" where they can."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        return f"its name {name!r} is not of small letters, digits and _"
    for axis in entry.axes:
        if is_core_axis(axis.name) or not axis.tag or axis.tag in _CORE_TAGS:
            return f"its axis {axis.name!r} or the tag {axis.tag!r} is taken or empty"
        examples = [axis.default, *(getattr(axis, end, None) for end in ("low", "high"))]
        for value in (v for v in examples if v is not None):
            if axis.read(axis.token(value)) != value or not re.fullmatch(r"[A-Za-z0-9_.]+", axis.token(value)):
                return f"its axis {axis.name!r} writes {value!r} as {axis.token(value)!r}, which cannot be read back"
    return ""


def axes_of(values: _Values) -> list[Axis]:
    """The axis objects of a spec's values, in order."""
    return [axis for axis in _axes_in_order(values) if axis.name in values]


def option_axes() -> dict[str, tuple[Axis, list[str]]]:
    """Every axis that some context block declares: one such declaration, and the blocks that take it."""
    found: dict[str, tuple[Axis, list[str]]] = {}
    for context in CONTEXTS:
        for axis in CONTEXTS[context].axes:
            found.setdefault(axis.name, (axis, []))[1].append(context)
    return found


def known_axes() -> dict[str, Axis]:
    """All axes by name: the core ones and those of all context blocks."""
    return {axis.name: axis for axis in CORE_AXES} | {name: axis for name, (axis, _) in option_axes().items()}


def is_core_axis(name: str) -> bool:
    """Whether every spec may have this axis, whatever its context."""
    return name in _CORE_NAMES


_CORE_NAMES = frozenset(axis.name for axis in CORE_AXES)
_CORE_TAGS = frozenset(axis.tag for axis in CORE_AXES)


def refuse_unknown_axes(names: Iterable[str]) -> None:
    """Refuse a name that is no axis.

    Raises:
        VariantError: with the known ones and the closest.
    """
    known = known_axes()
    for name in names:
        if name not in known:
            hint = did_you_mean(str(name), known)  # in a condition, YAML may have a number for a name
            raise VariantError(f"axis {name!r} is not one of {', '.join(known)}.{hint}", name)


def context_words(values: _Values) -> str:
    """What the context's axes belong to, in words."""
    if values.get("network", "frm") != "frm":
        return f"network {values['network']!r}"
    if not values.get("fused_stages"):
        return "a variant without fused stages"
    return f"context {values['context']!r}"


CORE_BY_NAME = {axis.name: axis for axis in CORE_AXES}


MODULE_WORDS = [axis for axis in CORE_AXES if axis.name in MODULE_AXES - {"context"}]


DECODER_WORDS = [a for a in CORE_AXES if a.name not in MODULE_AXES | {"network", "backbone", "fused_stages"}]


_ALWAYS = frozenset(("fused_stages", "context", "decoder_width", "head_width"))
"""Written also at their default."""


def format_name(spec: VariantSpec) -> str:
    """Return the name of a spec."""
    if spec.network != "frm":
        return f"{spec.backbone}+{spec.network}" if spec.backbone else spec.network
    values = spec.axes
    parts = [str(spec.backbone)]
    if spec.fused_stages:
        options = [axis for axis in axes_of(values) if axis.name not in CORE_BY_NAME]
        first = [CORE_BY_NAME["fused_stages"].token(spec.fused_stages), str(spec.context)]
        parts.append("-".join(first + _tokens([*MODULE_WORDS, *options], values)))
    parts.append("-".join(_tokens(DECODER_WORDS, values)))
    return "+".join(parts)


def _tokens(axes: list[Axis], values: dict[str, Value]) -> list[str]:
    """The words of those axes that have another value than their default."""
    return [
        axis.token(values[axis.name])
        for axis in axes
        if axis.name in values and (axis.name in _ALWAYS or values[axis.name] != axis.default)
    ]


CONTEXTS.fault_of = context_fault
