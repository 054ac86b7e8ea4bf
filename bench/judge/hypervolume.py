"""How much a set of variants dominates: the area below its front, up to a stated reference point."""

from __future__ import annotations

from collections.abc import Sequence

import moocore
import numpy as np

Point = tuple[float, float]
"""Cost and score."""
_COST_MARGIN = 1.1
_SCORE_MARGIN = 0.1


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
