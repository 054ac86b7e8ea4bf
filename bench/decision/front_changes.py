"""How a front moved between two sets of measurements: who joined, who left, what it is worth, beyond noise or not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.analysis.candidates import Candidate
from bench.analysis.constraints import Limit
from bench.analysis.displayed_values import as_shown
from bench.analysis.resampling import Draws, drawn_values
from bench.decision.decision_data import Grounds
from bench.errors import UserError
from bench.metrics import SCORE
from bench.stats.interval import PERCENTILES, Interval
from bench.stats.pareto import Point, hypervolume, nadir_reference, pareto_front


@dataclass(frozen=True, kw_only=True)
class FrontMove:
    """Of mIoU against one cost.

    joined, left, stayed: variants by name. new, gone: those that joined or left and are not on the other side at all.
    change: of the hypervolume, with its 95 % interval.
    """

    metric: str
    joined: Sequence[str]
    left: Sequence[str]
    stayed: Sequence[str]
    new: Sequence[str]
    gone: Sequence[str]
    reference: Point
    before: float
    after: float
    change: Interval

    @property
    def is_worse(self) -> bool:
        """Beyond noise; a change that is not finite counts as worse, since nobody can say that it is none."""
        return is_worse(self.change)


@dataclass(frozen=True, kw_only=True)
class PointMove:
    """The best mIoU within a limit. change: 0 to 1, with its 95 % interval; None where a side has no variant."""

    limit: Limit
    before: Candidate | None
    after: Candidate | None
    change: Interval | None

    @property
    def is_worse(self) -> bool:
        """Beyond noise, or not finite, or nothing is within any more."""
        return self.before is not None and (self.after is None or (self.change is not None and is_worse(self.change)))


def is_finite(change: Interval) -> bool:
    """Whether the change and its bounds are numbers that can be judged."""
    return all(map(math.isfinite, (change.low, change.value, change.high)))


def is_worse(change: Interval) -> bool:
    """Whether an interval lies below 0, or is not finite."""
    return not is_finite(change) or change.high < 0


def check_alike(before: Grounds, after: Grounds) -> None:
    """Refuse two sets that no front can be compared over; schedules may differ, since they may be what changed.

    Raises:
        UserError: other data, or a cost that was counted or timed otherwise.
    """
    if before.data != after.data:
        raise UserError(f"the two are of other data: {before.settings[0]} and {after.settings[0]}.")
    if before.settings[1:] != after.settings[1:]:
        raise UserError(f"costs are not of the same setting: {before.settings[1:]} and {after.settings[1:]}.")


def front_move(before: Grounds, after: Grounds, metric: str) -> FrontMove:
    """Compare fronts against one reference point, that of all variants of both.

    Raises:
        UserError: as `check_alike`.
    """
    check_alike(before, after)
    points = [_points(side, metric) for side in (before, after)]
    reference = nadir_reference([*points[0], *points[1]])
    volumes = [hypervolume(some, reference) for some in points]
    drawn = [_drawn_volumes(side, metric, reference) for side in (before, after)]
    fronts = [_front(side, metric) for side in (before, after)]
    known = [{c.variant for c in side.candidates} for side in (before, after)]
    joined, left = sorted(fronts[1] - fronts[0]), sorted(fronts[0] - fronts[1])
    return FrontMove(
        metric=metric,
        joined=joined,
        left=left,
        stayed=sorted(fronts[0] & fronts[1]),
        new=[v for v in joined if v not in known[0]],
        gone=[v for v in left if v not in known[1]],
        reference=reference,
        before=volumes[0],
        after=volumes[1],
        change=_around(volumes[1] - volumes[0], drawn[1] - drawn[0]),
    )


def point_move(before: Grounds, after: Grounds, limit: Limit) -> PointMove:
    """Compare the most accurate variants within a limit on a cost.

    Raises:
        UserError: as `check_alike`.
    """
    check_alike(before, after)
    best = [_best(side, limit) for side in (before, after)]
    first, second = best
    if first is None or second is None:
        return PointMove(limit=limit, before=first, after=second, change=None)
    drawn = [side.draws[SCORE][c.variant] for side, c in ((before, first), (after, second))]
    change = _around(second.values[SCORE] - first.values[SCORE], drawn[1] - drawn[0])
    return PointMove(limit=limit, before=first, after=second, change=change)


def _points(side: Grounds, metric: str) -> list[Point]:
    return [(c.values[metric], c.values[SCORE]) for c in side.candidates]


def _front(side: Grounds, metric: str) -> set[str]:
    costs, scores = (as_shown(name, [c.values[name] for c in side.candidates]).tolist() for name in (metric, SCORE))
    on_front = pareto_front(costs, scores)
    return {c.variant for c, on in zip(side.candidates, on_front, strict=True) if on}


def _drawn_volumes(side: Grounds, metric: str, reference: Point) -> NDArray[np.float64]:
    costs, scores = (drawn_values(side.candidates, name, side.draws) for name in (metric, SCORE))
    pairs = zip(costs, scores, strict=True)
    volumes = np.array([hypervolume(list(zip(c, s, strict=True)), reference) for c, s in pairs])
    unknown = ~(np.isfinite(costs) & np.isfinite(scores)).all(axis=1)
    return np.where(unknown, np.nan, volumes)


def _best(side: Grounds, limit: Limit) -> Candidate | None:
    within = [c for c in side.candidates if limit.holds(c.values[limit.metric])]
    return max(within, key=lambda c: (c.values[SCORE], c.variant)) if within else None


def _around(value: float, drawn: Draws) -> Interval:
    """The value, give or take what the draws do around their own mean: the best of noisy draws is too high."""
    low, high = np.percentile(drawn - drawn.mean(), PERCENTILES)
    return Interval(value, value + float(low), value + float(high))
