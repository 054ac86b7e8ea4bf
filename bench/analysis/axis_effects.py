"""What changing one axis does, all else equal: over the pairs of variants that differ in it alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.analysis.candidates import Candidate
from bench.analysis.resampling import AllDraws
from bench.metrics import SCORE
from bench.stats.interval import Interval, percentile_interval

Spec = Mapping[str, Any]
_MISSING = -1


@dataclass(frozen=True, kw_only=True)
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
    effects = []
    for axis, found in _pairs_by_axis({name: specs[name] for name in by_name}).items():
        for before, after, names in _from_base(axis, found, specs):
            effects.append(
                _effect(
                    axis,
                    before,
                    after=after,
                    pairs=[(by_name[a], by_name[b]) for a, b in names],
                    metrics=metrics,
                    draws=draws,
                )
            )
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


def _pairs_by_axis(specs: Mapping[str, Spec]) -> dict[str, list[tuple[str, str]]]:
    """Those that differ in one axis and in no other that both have."""
    names, axes = list(specs), list(dict.fromkeys(axis for spec in specs.values() for axis in spec))
    codes = _codes(list(specs.values()), axes)
    pairs: dict[str, list[tuple[str, str]]] = {}
    for place, name in enumerate(names):
        own, others = codes[place], codes[place + 1 :]
        differs = (others != own) & (others != _MISSING) & (own != _MISSING)
        for other in np.flatnonzero(differs.sum(axis=1) == 1):
            pairs.setdefault(axes[differs[other].argmax()], []).append((name, names[place + 1 + other]))
    return pairs


def _codes(specs: Sequence[Spec], axes: Sequence[str]) -> NDArray[np.int32]:
    """(specs, axes): equal numbers for equal values, as millions of pairs are compared."""
    columns = []
    for axis in axes:
        numbers: dict[str, int] = {}
        texts = [None if spec.get(axis) is None else repr(spec[axis]) for spec in specs]
        columns.append([_MISSING if text is None else numbers.setdefault(text, len(numbers)) for text in texts])
    return np.array(columns, np.int32).T


def _effect(
    axis: str,
    before: Any,
    after: Any,
    pairs: Sequence[tuple[Candidate, Candidate]],
    metrics: Sequence[str],
    draws: AllDraws,
) -> Effect:
    weights = Counter(after.variant for _, after in pairs)
    weights.subtract(before.variant for before, _ in pairs)
    drawn = np.sum([weight * draws[SCORE][name] for name, weight in weights.items()], axis=0) / len(pairs)
    value = mean(b.values[SCORE] - a.values[SCORE] for a, b in pairs)
    costs = {}
    for metric in metrics:
        logs = [log(b.values[metric] / a.values[metric]) for a, b in pairs if metric in a.values and metric in b.values]
        if logs:
            costs[metric] = exp(mean(logs))
    return Effect(
        axis=axis, before=before, after=after, pairs=len(pairs), miou=percentile_interval(value, drawn), costs=costs
    )
