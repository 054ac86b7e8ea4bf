"""Which variant to take: the best by one metric of those within the limits, and what each limit costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from bench.analysis.candidates import Candidate
from bench.analysis.constraints import Limit
from bench.metrics import METRICS, SCORE


@dataclass(frozen=True, kw_only=True)
class Relaxation:
    """How much a limit has to give, alone, for a better pick, and what that buys.

    by: in the stored unit of the limit's metric. gain: of the objective in its stored unit, above 0.
    """

    limit: Limit
    by: float
    candidate: Candidate
    gain: float


@dataclass(frozen=True)
class WayOut:
    """How much a limit has to give, alone, for there to be a pick. by: in the stored unit of the limit's metric."""

    limit: Limit
    by: float
    candidate: Candidate


@dataclass(frozen=True)
class Upgrade:
    """A variant of more validation mIoU than the pick. more: in its stored unit. price: of the objective, above 0."""

    candidate: Candidate
    more: float
    price: float


@dataclass(frozen=True, kw_only=True)
class Pick:
    """best: None where nothing meets all limits. within: how many do."""

    objective: str
    limits: Sequence[Limit]
    best: Candidate | None
    runner_up: Candidate | None
    within: int
    relaxations: Sequence[Relaxation]
    """Of each limit that binds, step by step: each buys more than the one before."""
    conflict: Sequence[Limit]
    """Without a pick: the fewest limits that nothing meets together."""
    nearest: Candidate | None
    """Without a pick: misses by the smallest share of a limit."""
    ways_out: Sequence[WayOut] = ()
    """Without a pick: of each limit that could bring one."""
    upgrades: Sequence[Upgrade] = ()
    """Where a cost decides: what more mIoU costs within the limits, step by step."""


def pick(candidates: Sequence[Candidate], limits: Sequence[Limit], objective: str) -> Pick:
    """Choose among variants whose metrics are all known.

    Of equal ones by the objective, the one with the higher mIoU on the validation split, then the fewer MACs, then by
    name.

    Args:
        objective: a metric; the best is the highest or the lowest, by its direction.
    """
    within = sorted((c for c in candidates if c.meets(limits)), key=lambda c: _order(c, objective))
    if not within:
        ways = (_way_out(candidates, limits, limit, objective) for limit in limits)
        return Pick(
            objective=objective,
            limits=limits,
            best=None,
            runner_up=None,
            within=0,
            relaxations=(),
            conflict=_conflict(candidates, limits),
            nearest=_nearest(candidates, limits),
            ways_out=[way for way in ways if way],
        )
    best = within[0]
    steps = [
        step
        for limit in limits
        for step in _relaxations(candidates, limits, limit=limit, best=best, objective=objective)
    ]
    return Pick(
        objective=objective,
        limits=limits,
        best=best,
        runner_up=within[1] if len(within) > 1 else None,
        within=len(within),
        relaxations=steps,
        conflict=(),
        nearest=None,
        upgrades=_upgrades(within, objective),
    )


def _order(candidate: Candidate, objective: str) -> tuple[float, float, float, str]:
    miou, macs = candidate.values.get(SCORE, 0.0), candidate.values.get("macs", 0.0)
    return -_goodness(candidate, objective), -miou, macs, candidate.variant


def _goodness(candidate: Candidate, objective: str) -> float:
    value = candidate.values[objective]
    return value if METRICS[objective].higher_is_better else -value


def _relaxations(
    candidates: Sequence[Candidate], limits: Sequence[Limit], limit: Limit, best: Candidate, objective: str
) -> list[Relaxation]:
    """Through those that only this limit keeps out, by how much it does."""
    others = [other for other in limits if other is not limit]
    kept_out = [c for c in candidates if c.meets(others) and not limit.holds(c.values[limit.metric])]
    steps: list[Relaxation] = []
    gained = 0.0
    for c in sorted(kept_out, key=lambda c: (limit.shortfall(c.values[limit.metric]), _order(c, objective))):
        gain = _goodness(c, objective) - _goodness(best, objective)
        if gain > gained:
            gained = gain
            steps.append(Relaxation(limit=limit, by=limit.shortfall(c.values[limit.metric]), candidate=c, gain=gain))
    return steps


def _upgrades(within: Sequence[Candidate], objective: str) -> list[Upgrade]:
    """From the pick on, each of those that the order has before all others of as much mIoU."""
    if METRICS[objective].higher_is_better:
        return []
    best, *rest = within
    found: list[Upgrade] = []
    reached = best.values[SCORE]
    for c in rest:
        if c.values[SCORE] > reached:
            reached = c.values[SCORE]
            found.append(Upgrade(c, reached - best.values[SCORE], c.values[objective] - best.values[objective]))
    return found


def _way_out(candidates: Sequence[Candidate], limits: Sequence[Limit], limit: Limit, objective: str) -> WayOut | None:
    """Through those that only this limit keeps out, the nearest of them."""
    others = [other for other in limits if other is not limit]
    kept_out = [c for c in candidates if c.meets(others)]
    if not kept_out:
        return None
    near = min(kept_out, key=lambda c: (limit.shortfall(c.values[limit.metric]), _order(c, objective)))
    return WayOut(limit, limit.shortfall(near.values[limit.metric]), near)


def _conflict(candidates: Sequence[Candidate], limits: Sequence[Limit]) -> Sequence[Limit]:
    """The fewest limits that no candidate meets together; of several such sets the first in the limits' order."""
    for size in range(1, len(limits) + 1):
        for some in combinations(limits, size):
            if not any(candidate.meets(some) for candidate in candidates):
                return some
    return ()


def _nearest(candidates: Sequence[Candidate], limits: Sequence[Limit]) -> Candidate | None:
    """Whose worst miss, as a share of the limit, is smallest."""

    def worst(candidate: Candidate) -> float:
        return max(max(0.0, limit.shortfall(candidate.values[limit.metric]) / limit.value) for limit in limits)

    return min(candidates, key=lambda c: (worst(c), c.variant)) if candidates and limits else None
