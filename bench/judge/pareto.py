"""Pareto fronts: what nothing dominates."""

from __future__ import annotations

import math
from collections.abc import Sequence


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
