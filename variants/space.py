"""Search-space axes -> specs. Axes multiply; what makes no sense is dropped with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from variants.errors import VariantError
from variants.spec import VariantSpec, known_axes, refuse_unknown_axes, settle

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
    when: dict[str, list[Any]]


def expand(axes: Mapping[str, Any]) -> Expansion:
    """Multiply the axes into specs, in the order of the file.

    An axis has a list of values, or `{values: [...], when: {AXIS: VALUES}}`. One that does not apply to a
    combination is left out of it (heads without a transformer); combinations that become equal that
    way are kept once.

    Raises:
        VariantError: an axis is unknown or empty, a value fits in no combination, or no combination
            makes sense.
    """
    read = _read_axes(axes)
    specs: dict[str, VariantSpec] = {}
    dropped: Counter[str] = Counter()
    fitting: list[_Combination] = []
    misfits: list[tuple[_Combination, VariantError]] = []
    count = 0
    for combination in _combinations(read):
        count += 1
        kept, left_out = _without_unconditional(combination, read)
        obstacles: dict[str, str] = {}
        try:
            spec = settle(kept, obstacles)
        except VariantError as error:
            dropped[str(error)] += 1
            misfits.append((_applied(kept, obstacles), error))
            continue
        fitting.append(_applied(kept, obstacles))
        if spec.content_hash in specs:
            dropped[_duplicate_reason(left_out, obstacles)] += 1
        specs.setdefault(spec.content_hash, spec)
    if not specs:
        first = misfits[0][1]
        raise VariantError(f"none of {count} combinations makes a network: {'; '.join(dropped)}", *first.place)
    _refuse_useless_values(read, fitting, misfits)
    return Expansion(tuple(specs.values()), count, dict(dropped))


def _combinations(axes: dict[str, AxisValues]) -> Iterator[_Combination]:
    for values in product(*(axis.values for axis in axes.values())):
        yield dict(zip(axes, values, strict=True))


def _without_unconditional(combination: _Combination, axes: dict[str, AxisValues]) -> tuple[_Combination, list[str]]:
    """Leave out the axes whose condition the combination does not meet; and say which."""
    left_out = [
        name
        for name in combination
        if any(_chosen(combination, other) not in wanted for other, wanted in axes[name].when.items())
    ]
    return {name: value for name, value in combination.items() if name not in left_out}, left_out


def _applied(combination: _Combination, obstacles: dict[str, str]) -> _Combination:
    return {name: value for name, value in combination.items() if name not in obstacles}


def _chosen(combination: _Combination, axis: str) -> Any:
    return combination[axis] if axis in combination else known_axes()[axis].default


def _refuse_useless_values(
    axes: dict[str, AxisValues], fitting: list[_Combination], misfits: list[tuple[_Combination, VariantError]]
) -> None:
    """A value that fits in no combination is a slip, not a corner of the space."""
    used = {(axis, repr(value)) for combination in fitting for axis, value in combination.items()}
    for combination, error in misfits:
        for axis, value in combination.items():
            if (axis, repr(value)) not in used:
                index = [repr(v) for v in axes[axis].values].index(repr(value))
                raise VariantError(f"{axis} {value!r} fits in no combination: {error}", axis, index)


def _read_axes(axes: Mapping[str, Any]) -> dict[str, AxisValues]:
    refuse_unknown_axes(axes)
    known = known_axes()
    read = {name: _read_axis(name, raw) for name, raw in axes.items()}
    for name, axis in read.items():
        for index, value in enumerate(axis.values):
            if isinstance(value, list) != (name == "fused_stages") or isinstance(value, dict):
                wanted = "lists of stages, such as [[], [3, 4]]" if name == "fused_stages" else "plain values"
                raise VariantError(f"axis {name!r} holds {value!r}; its values are {wanted}", name, index)
            _check_alone(name, known[name].name, index, value)
        refuse_unknown_axes(axis.when)
    return read


def _check_alone(name: str, axis: str, index: int, value: Any) -> None:
    """A core axis's value is right or wrong whatever the others are; an option's range is its block's matter."""
    from variants.spec import CORE_AXES

    for core in CORE_AXES:
        if core.name == axis:
            try:
                core.check(value)
            except ValueError as error:
                raise VariantError(str(error), name, index) from None


def _read_axis(name: str, raw: Any) -> AxisValues:
    when: dict[str, Any] = {}
    if isinstance(raw, dict):
        if not set(raw) <= {"values", "when"} or not isinstance(raw.get("when", {}), dict):
            raise VariantError(f"axis {name!r} is a list of values, or {{values: [...], when: {{AXIS: [...]}}}}", name)
        raw, when = raw.get("values"), raw.get("when", {})
    if not isinstance(raw, list):
        raise VariantError(f"axis {name!r} has {raw!r}; give a list, such as [{raw}]", name)
    if not raw:
        raise VariantError(f"axis {name!r} has no value: give a list with at least one", name)
    return AxisValues(raw, {axis: values if isinstance(values, list) else [values] for axis, values in when.items()})


def _duplicate_reason(left_out: list[str], obstacles: dict[str, str]) -> str:
    by_obstacle: dict[str, list[str]] = {}
    for axis, obstacle in obstacles.items():
        by_obstacle.setdefault(f"not apply to {obstacle}", []).append(axis)
    reasons = [f"{', '.join(axes)} {'does' if len(axes) == 1 else 'do'} {why}" for why, axes in by_obstacle.items()]
    reasons += [f"{axis} is left out by its condition" for axis in left_out]
    return "the same variant twice" + (f": {'; '.join(reasons)}" if reasons else "")
