"""Fronts with what is uncertain about them: chances, ties, the band that the true front is in; of a whole sweep too."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import studentized_range

from bench.analysis.axis_effects import Effect, axis_effects
from bench.analysis.candidates import Candidate
from bench.analysis.displayed_values import as_shown
from bench.analysis.resampling import AllDraws, draw_latencies, draw_mious, drawn_values, front_chances
from bench.analysis.result_table import numbers_of, rows_in_order
from bench.analysis.seed_variance import SeedSpread, seed_spread
from bench.metrics import COST_METRICS, SCORE
from bench.stats.interval import CONFIDENCE, PERCENTILES
from bench.stats.pareto import Point, hypervolume, nadir_reference, pareto_front
from bench.storage.confusions import Confusions
from bench.storage.records import AccuracyRecord, Record

_PLACES = 400
_MANY = 10**6
"""Degrees of freedom of a deviation that is known."""


@dataclass(frozen=True)
class Band:
    """The best mIoU within each cost, with a 95 % interval; NaN where it may be that nothing costs so little."""

    cost: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Front:
    """Of mIoU against one cost. chances: of each variant to be on it. knee: None where nothing of it lies above the
    line between its ends."""

    metric: str
    chances: Mapping[str, float]
    band: Band
    hypervolume: float
    reference: Point
    knee: str | None


def make_front(candidates: Sequence[Candidate], metric: str, draws: AllDraws) -> Front:
    """The front of those whose cost is known.

    Args:
        draws: those of the mIoU, and of the cost where it is uncertain.
    """
    known = [c for c in candidates if metric in c.values]
    points = [(c.values[metric], c.values[SCORE]) for c in known]
    reference = nadir_reference(points)
    chances = dict(zip((c.variant for c in known), front_chances(known, [SCORE, metric], draws), strict=True))
    return Front(
        metric=metric,
        chances=chances,
        band=front_band(known, metric, draws),
        hypervolume=hypervolume(points, reference),
        reference=reference,
        knee=_knee(known, metric),
    )


def front_band(candidates: Sequence[Candidate], metric: str, draws: AllDraws) -> Band:
    """95 % intervals of the best true mIoU within a cost, at the costs of the variants; of many, at some.

    The best of noisy numbers is too high, and in draws around them twice so; percentiles of the draws would miss a
    front of equal variants more often than not. So: with 97.5 % none of n variants is worse than its own value less the
    deviations that Šidák has for n (JASA 62, 1967), hence the best is no worse than the best of these; and the truly
    best one is no better than its value plus 1.96 deviations, hence than the best of those.
    """
    scores = np.array([c.values[SCORE] for c in candidates])
    deviations = drawn_values(candidates, SCORE, draws).std(axis=0)
    least, most = np.percentile(drawn_values(candidates, metric, draws), PERCENTILES, axis=0)
    at = _some_of(np.unique([c.values[metric] for c in candidates]))
    low, high = np.full((2, len(at)), np.nan)
    for place, cost in enumerate(at):
        surely, perhaps = most <= cost, least <= cost
        if surely.any():
            low[place] = (scores - sidak(int(perhaps.sum())) * deviations)[surely].max()
            high[place] = (scores + sidak(1) * deviations)[perhaps].max()
    return Band(at, np.fmax.accumulate(low), high)


def _some_of(costs: NDArray[np.float64]) -> NDArray[np.float64]:
    """All of a few, of many so many as a figure shows."""
    places = np.unique(np.linspace(0, len(costs) - 1, min(len(costs), _PLACES)).round().astype(int))
    some: NDArray[np.float64] = costs[places]
    return some


def sidak(comparisons: int) -> float:
    """Standard deviations that none of so many independent normal numbers falls short by, with 97.5 %."""
    return NormalDist().inv_cdf(((1 + CONFIDENCE) / 2) ** (1 / comparisons))


def _knee(candidates: Sequence[Candidate], metric: str) -> str | None:
    """The point of the front farthest above the line between its ends, both axes from 0 to 1 (Das, 1999)."""
    costs, scores = (as_shown(name, [c.values[name] for c in candidates]).tolist() for name in (metric, SCORE))
    rows = zip(costs, scores, candidates, pareto_front(costs, scores), strict=True)
    ordered = sorted(((cost, score), c.variant) for cost, score, c, is_on in rows if is_on)
    if len({point for point, _ in ordered}) < 3:
        return None
    (first_cost, first), (last_cost, last) = ordered[0][0], ordered[-1][0]
    above = {
        name: (score - first) / (last - first) - (cost - first_cost) / (last_cost - first_cost)
        for (cost, score), name in ordered
    }
    knee = max(above, key=lambda name: above[name])
    return knee if above[knee] > 0 else None


def tied_groups(candidates: Sequence[Candidate], draws: AllDraws) -> list[list[str]]:
    """From the highest mIoU down: those that cannot be told apart from the first of their group.

    Compared on the same images, so two may be told apart whose own intervals overlap. The first is the best of many by
    chance as well, hence the distance of Tukey's range test (Biometrics 5, 1949) for as many variants.
    """
    left = sorted(candidates, key=lambda c: (-c.values[SCORE], c.variant))
    drawn = np.stack([draws[SCORE][c.variant] for c in left])
    groups = []
    while left:
        leader, enough = left[0], tukey(max(2, len(left)))
        apart = leader.values[SCORE] - np.array([c.values[SCORE] for c in left])
        worse = apart > enough * (drawn - drawn[0]).std(axis=1)
        groups.append([c.variant for c, is_worse in zip(left, worse, strict=True) if not is_worse])
        left, drawn = [c for c, is_worse in zip(left, worse, strict=True) if is_worse], drawn[worse]
    return groups


def tukey(variants: int) -> float:
    """Standard deviations of a difference that the best and the worst of so many equal ones exceed with 5 %."""
    return float(studentized_range.ppf(CONFIDENCE, variants, _MANY)) / math.sqrt(2)


@dataclass(frozen=True, kw_only=True)
class FrontSureness:
    """fronts: by cost metric. ties: groups from the highest mIoU down. spread: between seeds, where it is known."""

    fronts: Mapping[str, Front]
    ties: Sequence[Sequence[str]]
    effects: Sequence[Effect]
    spread: SeedSpread | None


def front_sureness(
    table: pd.DataFrame, records: Sequence[Record], confusions: Confusions | None, others: Iterable[Record]
) -> FrontSureness | None:
    """Of the variants of a table that `join_table` made of `records`; None for fewer than two.

    Raises:
        UserError: a file of matrices is broken.
    """
    rows = [row for row in rows_in_order(table) if row[SCORE] is not None]
    candidates = [Candidate(row["variant"], numbers_of(row)) for row in rows]
    if len(candidates) < 2:
        return None
    accuracy = [r for r in records if isinstance(r, AccuracyRecord)]
    spread = seed_spread(accuracy, others)
    metrics = [m for m in COST_METRICS if sum(m in c.values for c in candidates) > 1]
    draws: AllDraws = {
        SCORE: draw_mious(accuracy, confusions, spread),
        **{m: draw_latencies(records, m) for m in metrics if m.startswith("latency")},
    }
    specs = {record.variant: record.spec for record in accuracy}
    return FrontSureness(
        fronts={m: make_front(candidates, m, draws) for m in metrics},
        ties=tied_groups(candidates, draws),
        effects=axis_effects(candidates, specs, metrics, draws),
        spread=spread,
    )
