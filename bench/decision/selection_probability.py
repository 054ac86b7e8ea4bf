"""How sure a pick is: how often it is picked again when the numbers are drawn anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.analysis.candidates import Candidate
from bench.analysis.constraints import Limit
from bench.analysis.resampling import Draws, _resamples, drawn_values
from bench.decision.lazy_resampling import Drawn
from bench.metrics import METRICS

_AT_A_TIME = 128
"""Candidates."""


@dataclass(frozen=True)
class Sureness:
    """Shares of the draws. meets: in which the variant is within all limits. picked: by variant, highest first."""

    meets: float
    picked: Mapping[str, float]


def sureness_of(
    variant: str,
    candidates: Sequence[Candidate],
    limits: Sequence[Limit],
    objective: str,
    draws: Mapping[str, Mapping[str, Draws]],
) -> Sureness:
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
    candidates: Sequence[Candidate],
    limits: Sequence[Limit],
    objective: str,
    draws: Mapping[str, Mapping[str, Draws]],
) -> NDArray[np.float64]:
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
