"""How sure a pick is: how often it is picked again when the numbers are drawn anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import moocore
import numpy as np
from numpy.typing import NDArray

from bench.judge.draws import Draws
from bench.judge.limits import Limit
from bench.judge.pick import Candidate
from bench.metrics import METRICS


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

    Args:
        variant: the one that was picked.
        draws: by metric and variant, all of as many.
    """
    within = np.stack([drawn_values(candidates, limit.metric, draws) for limit in limits]) if limits else None
    holds = np.ones((_resamples(draws), len(candidates)), bool)
    if within is not None:
        for limit, values in zip(limits, within, strict=True):
            holds &= values >= limit.value if limit.is_least else values <= limit.value
    goodness = drawn_values(candidates, objective, draws) * (1 if METRICS[objective].higher_is_better else -1)
    chosen = np.where(holds, goodness, -np.inf).argmax(axis=1)[holds.any(axis=1)]
    counts = np.bincount(chosen, minlength=len(candidates)) / len(holds)
    shares = {c.variant: float(share) for c, share in zip(candidates, counts, strict=True) if share}
    number = [c.variant for c in candidates].index(variant)
    return Sureness(float(holds[:, number].mean()), dict(sorted(shares.items(), key=lambda item: -item[1])))


def front_chances(
    candidates: Sequence[Candidate], metrics: Sequence[str], draws: Mapping[str, Mapping[str, Draws]]
) -> list[float]:
    """For each candidate, the share of the draws in which nothing dominates it in all of `metrics`."""
    signs = [-1 if METRICS[metric].higher_is_better else 1 for metric in metrics]
    drawn = np.stack(
        [sign * drawn_values(candidates, m, draws) for sign, m in zip(signs, metrics, strict=True)], axis=-1
    )
    on_front = np.mean([moocore.is_nondominated(points, keep_weakly=True) for points in drawn], axis=0)
    return [float(share) for share in on_front]


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
