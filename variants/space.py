"""Search-space axes -> specs. Axes multiply; what makes no sense is dropped with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from variants.axes import Axis, Value
from variants.context import CONTEXTS
from variants.errors import VariantError
from variants.spec import CORE_AXES, VariantSpec, refuse_unknown_axes, settle

_Combination = dict[str, Any]


@dataclass(frozen=True)
class Expansion:
    """What a space expands to: the specs, and how many combinations each reason dropped."""

    specs: tuple[VariantSpec, ...]
    combinations: int
    dropped: dict[str, int]


@dataclass(frozen=True)
class AxisValues:
    """The values of one axis in a space; `when`: only in combinations with one of these values of other axes."""

    values: list[Any]
    when: dict[str, list[Value]]


@dataclass
class _Uses:
    """Which values made a network, which were left out, and which did not fit with others."""

    fitting: list[_Combination] = field(default_factory=list)
    misfits: list[tuple[_Combination, VariantError]] = field(default_factory=list)
    obstacles: dict[str, str] = field(default_factory=dict)

    def note(self, combination: _Combination, obstacles: dict[str, str], error: VariantError | None) -> None:
        applied = {name: value for name, value in combination.items() if name not in obstacles}
        self.obstacles |= obstacles
        if error is None:
            self.fitting.append(applied)
        else:
            self.misfits.append((applied, error))


def expand(axes: Mapping[str, Any]) -> Expansion:
    """Multiply the axes into specs, in the order of the file.

    An axis has a list of values, or `{values: [...], when: {AXIS: VALUES}}`. One that does not apply to a
    combination is left out of it (heads without a transformer); combinations that become equal that
    way are kept once.

    Raises:
        VariantError: an axis is unknown, empty or applies nowhere, a value fits in no combination, or no
            combination makes sense.
    """
    read = _read_axes(axes)
    specs: dict[str, VariantSpec] = {}
    dropped: Counter[str] = Counter()
    uses = _Uses()
    count = 0
    for combination in _combinations(read):
        count += 1
        kept, left_out = _where_conditions_hold(combination, read)
        obstacles: dict[str, str] = {}
        try:
            spec = settle(kept, obstacles)
            _refuse_undivided_width(spec)
        except VariantError as error:
            dropped[str(error)] += 1
            uses.note(kept, obstacles, error)
            continue
        uses.note(kept, obstacles, None)
        if spec.content_hash in specs:
            dropped[_duplicate_reason(left_out, obstacles)] += 1
        specs.setdefault(spec.content_hash, spec)
    if not specs:
        first = uses.misfits[0][1]
        raise VariantError(f"none of {count} combinations makes a network: {'; '.join(dropped)}", *first.place)
    _refuse_useless_values(read, uses)
    return Expansion(tuple(specs.values()), count, dict(dropped))


def _refuse_undivided_width(spec: VariantSpec) -> None:
    """A concatenation without convolution is as wide as its stages, which heads must divide.

    Raises:
        VariantError: they do not. An unknown backbone is left to `variants.check`.
    """
    if spec.module_width is not None or "transformer_heads" not in spec.context_options:
        return
    from variants.backbones import backbone_channels
    from variants.frm import module_width

    try:
        channels = backbone_channels(str(spec.backbone))
    except VariantError:
        return
    try:
        module_width(spec, channels)
    except VariantError as error:
        raise VariantError(str(error).removeprefix(f"{spec.name}: "), "transformer_heads") from None


def _combinations(axes: dict[str, AxisValues]) -> Iterator[_Combination]:
    for values in product(*(axis.values for axis in axes.values())):
        yield dict(zip(axes, values, strict=True))


def _where_conditions_hold(combination: _Combination, axes: dict[str, AxisValues]) -> tuple[_Combination, list[str]]:
    """Leave out the axes whose conditions the variant does not meet, one after the other; and say which."""
    kept, left_out = dict(combination), list[str]()
    conditional = [name for name in combination if axes[name].when]
    while conditional:
        values = _values(kept)
        failing = next((name for name in conditional if not _holds(axes[name].when, values)), None)
        if failing is None:
            break
        conditional.remove(failing)
        left_out.append(failing)
        del kept[failing]
    return kept, left_out


def _values(combination: _Combination) -> Mapping[str, Any]:
    """The axes that apply, with defaults; of what makes no network, its own values."""
    try:
        return settle(combination, {}).axes
    except VariantError:
        defaults = {axis.name: axis.default for axis in CORE_AXES if axis.default is not None}
        own = {name: tuple(value) if isinstance(value, list) else value for name, value in combination.items()}
        return defaults | own


def _holds(condition: dict[str, list[Value]], values: Mapping[str, Any]) -> bool:
    """An axis that does not apply meets no condition."""
    return all(axis in values and values[axis] in wanted for axis, wanted in condition.items())


def _refuse_useless_values(axes: dict[str, AxisValues], uses: _Uses) -> None:
    """A value or an axis that serves in no combination is a slip, not a corner of the space."""
    used = {(axis, repr(value)) for combination in uses.fitting for axis, value in combination.items()}
    for combination, error in uses.misfits:
        for axis in sorted(combination, key=lambda name: name not in error.place):  # what is at fault comes first
            value = combination[axis]
            if (axis, repr(value)) not in used:
                index = [repr(v) for v in axes[axis].values].index(repr(value))
                raise VariantError(f"{axis} {value!r} fits in no combination: {error}", axis, index)
    applied = {axis for axis, _ in used} | {axis for combination, _ in uses.misfits for axis in combination}
    for name, axis_values in axes.items():
        if name not in applied and name in uses.obstacles:
            raise VariantError(f"{name} serves in no combination: it does not apply to {uses.obstacles[name]}", name)
        if name not in applied and axis_values.when:
            raise VariantError(f"{name} serves in no combination: none meets its condition", name, "when")


def _read_axes(axes: Mapping[str, Any]) -> dict[str, AxisValues]:
    refuse_unknown_axes(axes)
    read = {name: _read_axis(name, raw) for name, raw in axes.items()}
    for name, axis in read.items():
        for index, value in enumerate(axis.values):
            if isinstance(value, list) != (name == "fused_stages") or isinstance(value, dict):
                wanted = "lists of stages, such as [[], [3, 4]]" if name == "fused_stages" else "plain values"
                raise VariantError(f"axis {name!r} holds {value!r}; its values are {wanted}", name, index)
            _check_alone(name, value, name, index)
    return read


def _declarations(name: str) -> list[Axis]:
    """The axis of every spec of that name, or those of the context blocks that declare one."""
    core = [axis for axis in CORE_AXES if axis.name == name]
    return core or [axis for context in CONTEXTS for axis in CONTEXTS[context].axes if axis.name == name]


def _check_alone(name: str, value: Any, *place: str | int) -> Value:
    """A value's one form, where some declaration of its axis takes it.

    Raises:
        VariantError: none does.
    """
    faults = []
    for axis in _declarations(name):
        try:
            return axis.check(value)
        except ValueError as error:
            faults.append(str(error))
    raise VariantError(faults[0], *place)


def _read_axis(name: str, raw: Any) -> AxisValues:
    when: dict[str, Any] = {}
    if isinstance(raw, dict):
        fits = "values" in raw and set(raw) <= {"values", "when"} and isinstance(raw.get("when", {}), dict)
        if not fits:
            raise VariantError(f"axis {name!r} is a list of values, or {{values: [...], when: {{AXIS: [...]}}}}", name)
        raw, when = raw["values"], raw.get("when", {})
    if not isinstance(raw, list):
        raise VariantError(f"axis {name!r} has {raw!r}; give a list, such as [{raw}]", name)
    if not raw:
        raise VariantError(f"axis {name!r} has no value: give a list with at least one", name)
    return AxisValues(raw, {axis: _read_condition(name, axis, wanted) for axis, wanted in when.items()})


def _read_condition(name: str, axis: str, wanted: Any) -> list[Value]:
    """The values of a condition; a single one may stand without a list, stages as one flat list."""
    place = (name, "when", axis)
    if axis == name:
        raise VariantError(f"axis {name!r} has a condition on itself", *place)
    try:
        refuse_unknown_axes([axis])
    except VariantError as error:
        raise VariantError(str(error), *place) from None
    values = wanted if isinstance(wanted, list) else [wanted]
    if axis == "fused_stages" and not all(isinstance(value, list) for value in values):
        values = [values]
    return [_check_alone(axis, value, *place) for value in values]


def _duplicate_reason(left_out: list[str], obstacles: dict[str, str]) -> str:
    by_obstacle: dict[str, list[str]] = {}
    for axis, obstacle in obstacles.items():
        by_obstacle.setdefault(f"not apply to {obstacle}", []).append(axis)
    reasons = [f"{', '.join(axes)} {'does' if len(axes) == 1 else 'do'} {why}" for why, axes in by_obstacle.items()]
    reasons += [f"{axis} is left out by its condition" for axis in left_out]
    return "the same variant twice" + (f": {'; '.join(reasons)}" if reasons else "")
