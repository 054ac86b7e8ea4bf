"""Search-space axes -> specs. Axes multiply; what makes no sense is dropped with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from variants.errors import VariantError
from variants.product import AxisValues, Combination, Made, read_product
from variants.spec import VariantSpec

MOST_LISTED = 200_000
"""Combinations, some 15 s; of larger spaces nothing could be done with every variant."""


@dataclass(frozen=True)
class Expansion:
    """What a space expands to: the specs, and how many combinations each reason dropped."""

    specs: tuple[VariantSpec, ...]
    combinations: int
    dropped: dict[str, int]


@dataclass
class _Uses:
    """Which values made a network, which were left out, and which did not fit with others."""

    fitting: list[Combination] = field(default_factory=list)
    misfits: list[tuple[Combination, VariantError]] = field(default_factory=list)
    obstacles: dict[str, str] = field(default_factory=dict)

    def note(self, made: Made) -> None:
        applied = {name: value for name, value in made.combination.items() if name not in made.obstacles}
        self.obstacles |= made.obstacles
        if made.error is None:
            self.fitting.append(applied)
        else:
            self.misfits.append((applied, made.error))


def expand(axes: Mapping[str, Any]) -> Expansion:
    """Multiply the axes into specs, in the order of the file.

    An axis has a list of values, or `{values: [...], when: {AXIS: VALUES}}`. One that does not apply to a
    combination is left out of it (heads without a transformer); combinations that become equal that
    way are kept once.

    Raises:
        VariantError: an axis is unknown, empty or applies nowhere, a value fits in no combination, no combination
            makes sense, or they are too many to list.
    """
    space = read_product(axes)
    if space.size > MOST_LISTED:
        raise VariantError(
            f"{space.size:,} combinations are too many to list, at most {MOST_LISTED:,} are. Take values out, or let "
            "`bench sweep SPACE --search nsga2 --trials 64` choose what is measured."
        )
    specs: dict[str, VariantSpec] = {}
    dropped: Counter[str] = Counter()
    uses = _Uses()
    for combination in space.combinations():
        made = space.make(combination)
        uses.note(made)
        if made.spec is None:
            dropped[str(made.error)] += 1
        elif made.spec.content_hash in specs:
            dropped[_duplicate_reason(made)] += 1
        else:
            specs[made.spec.content_hash] = made.spec
    if not specs:
        first = uses.misfits[0][1]
        raise VariantError(f"none of {space.size} combinations makes a network: {'; '.join(dropped)}", *first.place)
    _refuse_useless_values(space.axes, uses)
    return Expansion(tuple(specs.values()), space.size, dict(dropped))


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


def _duplicate_reason(made: Made) -> str:
    by_obstacle: dict[str, list[str]] = {}
    for axis, obstacle in made.obstacles.items():
        by_obstacle.setdefault(f"not apply to {obstacle}", []).append(axis)
    reasons = [f"{', '.join(axes)} {'does' if len(axes) == 1 else 'do'} {why}" for why, axes in by_obstacle.items()]
    reasons += [f"{axis} is left out by its condition" for axis in made.left_out]
    return "the same variant twice" + (f": {'; '.join(reasons)}" if reasons else "")
