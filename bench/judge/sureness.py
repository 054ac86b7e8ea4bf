"""How sure a pick is: how often it is picked again when the numbers are drawn anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import moocore
import numpy as np
from numpy.typing import NDArray

from bench.judge.drawn import Drawn
from bench.judge.draws import Draws
from bench.judge.limits import Limit
from bench.judge.pick import Candidate
from bench.judge.shown import as_shown
from bench.metrics import METRICS

_AT_A_TIME = 128
"""Candidates."""


@dataclass(frozen=True)
class Sureness:
    """Shares of the draws. meets: in which the variant is within all limits. picked: by variant, highest first."""

    meets: float
    picked: Mapping[str, float]


def sureness_of(
    variant: str, candidates: Sequence[Candidate], limits: Sequence[Limit], objective: str,
    draws: Mapping[str, Mapping[str, Draws]],
) -> Sureness:  # fmt: skip
    """Pick again in every draw; a metric without draws is taken as known.

    Of many candidates only those are drawn that some draw might pick: best first by how far their draws reach, until in
    every draw the one that is picked is better than all others can be.

    Args:
        variant: the one that was picked.
        draws: by metric and variant, all of as many.
    """
    resamples = _resamples(draws)
    ends = {m: _ends(candidates, m, draws) for m in dict.fromkeys([objective, *(limit.metric for limit in limits)])}
    possible = np.ones(len(candidates), bool)
    for limit in limits:
        possible &= _may_hold(limit, *ends[limit.metric])
    higher = METRICS[objective].higher_is_better
    reach = ends[objective][1] if higher else -ends[objective][0]
    order = np.flatnonzero(possible)
    order = order[np.argsort(-reach[order], kind="stable")]
    best, chosen = np.full(resamples, -np.inf), np.full(resamples, -1)
    for start in range(0, len(order), _AT_A_TIME):
        if (best > reach[order[start]]).all():
            break
        some = np.sort(order[start : start + _AT_A_TIME])
        goodness = _goodness([candidates[i] for i in some], limits, objective, draws)
        first = goodness.argmax(axis=1)
        found = goodness[np.arange(resamples), first]
        wins = (found > best) | ((found == best) & (found > -np.inf) & (some[first] < chosen))
        best, chosen = np.where(wins, found, best), np.where(wins, some[first], chosen)
    numbers, counts = np.unique(chosen[chosen >= 0], return_counts=True)
    shares = {
        candidates[i].variant: count / resamples for i, count in zip(numbers.tolist(), counts.tolist(), strict=True)
    }
    own = [candidates[[c.variant for c in candidates].index(variant)]]
    meets = np.isfinite(_goodness(own, limits, objective, draws)).mean()
    return Sureness(float(meets), dict(sorted(shares.items(), key=lambda item: -item[1])))


def _goodness(
    candidates: Sequence[Candidate], limits: Sequence[Limit], objective: str,
    draws: Mapping[str, Mapping[str, Draws]],
) -> NDArray[np.float64]:  # fmt: skip
    """(resamples, candidates) of the objective, the higher the better; -inf in draws in which a limit does not hold."""
    values = drawn_values(candidates, objective, draws)
    goodness = values if METRICS[objective].higher_is_better else -values
    for limit in limits:
        drawn = values if limit.metric == objective else drawn_values(candidates, limit.metric, draws)
        goodness = np.where(drawn >= limit.value if limit.is_least else drawn <= limit.value, goodness, -np.inf)
    return goodness


def _ends(
    candidates: Sequence[Candidate], metric: str, draws: Mapping[str, Mapping[str, Draws]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest that the draws of each candidate can be."""
    known = np.array([c.values[metric] for c in candidates])
    of_metric = draws.get(metric, {})
    variants = [c.variant for c in candidates]
    if isinstance(of_metric, Drawn):
        low, high = of_metric.ends(variants)
    else:
        pairs = [(of_metric[v].min(), of_metric[v].max()) if v in of_metric else (np.nan, np.nan) for v in variants]
        low, high = np.array(pairs).reshape(-1, 2).T
    return np.where(np.isnan(low), known, low), np.where(np.isnan(high), known, high)


def _may_hold(limit: Limit, low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.bool_]:
    return high >= limit.value if limit.is_least else low <= limit.value


def front_chances(
    candidates: Sequence[Candidate], metrics: Sequence[str], draws: Mapping[str, Mapping[str, Draws]]
) -> list[float]:
    """For each candidate, the share of the draws in which nothing dominates it in all of `metrics`.

    Costs that read the same are the same, as on the front that is shown.
    """
    drawn = np.stack([_to_lower(candidates, metric, draws) for metric in metrics], axis=-1)
    on_front = np.mean([moocore.is_nondominated(points, keep_weakly=True) for points in drawn], axis=0)
    return [float(share) for share in on_front]


def _to_lower(
    candidates: Sequence[Candidate], metric: str, draws: Mapping[str, Mapping[str, Draws]]
) -> NDArray[np.float64]:
    """(resamples, candidates), the lower the better."""
    drawn = drawn_values(candidates, metric, draws)
    if METRICS[metric].higher_is_better:
        return -drawn
    return np.stack([as_shown(metric, of_candidate) for of_candidate in drawn.T], axis=1)


def _resamples(draws: Mapping[str, Mapping[str, Draws]]) -> int:
    return next((len(drawn) for of_metric in draws.values() for drawn in of_metric.values()), 1)


def drawn_values(
    candidates: Sequence[Candidate], metric: str, draws: Mapping[str, Mapping[str, Draws]]
) -> NDArray[np.float64]:
    """(resamples, candidates)."""
    resamples = _resamples(draws)
    of_metric = draws.get(metric, {})
    columns = [of_metric.get(c.variant, np.full(resamples, c.values[metric])) for c in candidates]
    return np.stack(columns, axis=1)
