"""Pareto fronts: what nothing dominates, in ranks, and the hypervolume of what it dominates."""

from __future__ import annotations

import math
from collections.abc import Sequence

import moocore
import numpy as np

_COST_MARGIN = 1.1
_SCORE_MARGIN = 0.1


def pareto_front(costs: Sequence[float], scores: Sequence[float]) -> list[bool]:
    """Tell for each point whether no other is at least as good in both and better in one.

    Args:
        costs: lower is better.
        scores: higher is better; as many as costs. NaN in either is never on the front.

    Returns:
        One flag a point. Equal points are on the front together.
    """
    points = list(zip(costs, scores, strict=True))
    order = sorted(
        (i for i, (cost, score) in enumerate(points) if not (math.isnan(cost) or math.isnan(score))),
        key=lambda i: (points[i][0], -points[i][1]),
    )
    on_front = [False] * len(points)
    best: tuple[float, float] | None = None
    for i in order:
        if best is None or points[i][1] > best[1] or points[i] == best:
            on_front[i] = True
            best = points[i]
    return on_front


Point = tuple[float, float]
"""Cost and score."""


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """Area that `points` dominate and that dominates `reference` (Zitzler and Thiele, 1998), by moocore.

    Args:
        points: cost, lower is better, and score, higher is better; those beyond the reference add nothing.
        reference: cost and score.
    """
    if not points:
        return 0.0
    return float(moocore.hypervolume(_minimised(points), ref=[reference[0], -reference[1]]))


def nadir_reference(points: Sequence[Point]) -> Point:
    """The worst of both, a tenth further out: of the highest cost, and of the range of the scores below the lowest.

    Close to the front, so that a set has to hold most of it to reach a high share.
    """
    costs, scores = zip(*points, strict=True)
    return _COST_MARGIN * max(costs), min(scores) - _SCORE_MARGIN * (max(scores) - min(scores))


def zero_reference(points: Sequence[Point]) -> Point:
    """A tenth above the highest cost, and a score of 0: a lenient one."""
    return _COST_MARGIN * max(cost for cost, _ in points), 0.0


def pareto_ranks(points: Sequence[Point]) -> list[int]:
    """0 for the front, 1 for the front of the rest, and so on (non-dominated sorting, Deb et al., 2002)."""
    return [int(rank) for rank in moocore.pareto_rank(_minimised(points))]


def _minimised(points: Sequence[Point]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([(cost, -score) for cost, score in points])
