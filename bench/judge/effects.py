"""What changing one axis does, all else equal: over the pairs of variants that differ in it alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp, log
from statistics import mean
from typing import Any

import numpy as np

from bench.accuracy.bootstrap import Interval
from bench.judge.draws import interval_of
from bench.judge.front import AllDraws
from bench.judge.pick import Candidate

Spec = Mapping[str, Any]
_SCORE = "miou_val"


@dataclass(frozen=True)
class Effect:
    """Of an axis going from one value to another. miou: mean difference, 0 to 1; costs: mean ratios, by metric."""

    axis: str
    before: Any
    after: Any
    pairs: int
    miou: Interval
    costs: Mapping[str, float]


def axis_effects(
    candidates: Sequence[Candidate], specs: Mapping[str, Spec], metrics: Sequence[str], draws: AllDraws
) -> list[Effect]:
    """Each value of each axis against the one that is in most pairs.

    Args:
        specs: axes by variant; None where an axis does not apply.
        metrics: costs.
    """
    by_name = {c.variant: c for c in candidates}
    pairs: dict[str, list[tuple[str, str]]] = {}
    for one, other in combinations(by_name, 2):
        axis = _only_difference(specs[one], specs[other])
        if axis is not None:
            pairs.setdefault(axis, []).append((one, other))
    effects = []
    for axis, found in pairs.items():
        for before, after, names in _from_base(axis, found, specs):
            effects.append(_effect(axis, before, after, [(by_name[a], by_name[b]) for a, b in names], metrics, draws))
    return effects


def _from_base(
    axis: str, pairs: Sequence[tuple[str, str]], specs: Mapping[str, Spec]
) -> Iterator[tuple[Any, Any, list[tuple[str, str]]]]:
    """The pairs with the value that is in most of them, from it to each other value."""
    values = {name: specs[name][axis] for pair in pairs for name in pair}
    common = Counter(repr(values[name]) for pair in pairs for name in pair)
    base = min(values.values(), key=lambda value: (-common[repr(value)], _size(value)))
    by_other: dict[str, list[tuple[str, str]]] = {}
    for one, other in pairs:
        if base in (values[one], values[other]):
            before, after = (one, other) if values[one] == base else (other, one)
            by_other.setdefault(repr(values[after]), []).append((before, after))
    for names in sorted(by_other.values(), key=lambda names: _size(values[names[0][1]])):
        yield base, values[names[0][1]], names


def _size(value: Any) -> tuple[int, float, str]:
    """Numbers and lists of stages by size, the rest by name."""
    if isinstance(value, list | tuple):
        return 0, len(value), repr(value)
    return (0, value, "") if isinstance(value, int | float) else (1, 0, repr(value))


def _only_difference(one: Spec, other: Spec) -> str | None:
    """The axis whose values differ, where no other does that both have."""
    axes = [axis for axis in one if one[axis] is not None and other.get(axis) is not None and one[axis] != other[axis]]
    return axes[0] if len(axes) == 1 else None


def _effect(
    axis: str, before: Any, after: Any, pairs: Sequence[tuple[Candidate, Candidate]], metrics: Sequence[str],
    draws: AllDraws,
) -> Effect:  # fmt: skip
    drawn = np.mean([draws[_SCORE][b.variant] - draws[_SCORE][a.variant] for a, b in pairs], axis=0)
    value = mean(b.values[_SCORE] - a.values[_SCORE] for a, b in pairs)
    costs = {}
    for metric in metrics:
        logs = [log(b.values[metric] / a.values[metric]) for a, b in pairs if metric in a.values and metric in b.values]
        if logs:
            costs[metric] = exp(mean(logs))
    return Effect(axis, before, after, len(pairs), interval_of(value, drawn), costs)
