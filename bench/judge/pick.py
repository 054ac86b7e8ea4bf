"""Which variant to take: the best by one metric of those within the limits, and what each limit costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from bench.judge.limits import Limit
from bench.metrics import METRICS


@dataclass(frozen=True)
class Candidate:
    """A variant with its metrics, in their stored units."""

    variant: str
    values: Mapping[str, float]

    def meets(self, limits: Sequence[Limit]) -> bool:
        """Whether all hold."""
        return all(limit.holds(self.values[limit.metric]) for limit in limits)


@dataclass(frozen=True)
class Relaxation:
    """How much a limit has to give, alone, for a better pick, and what that buys.

    by: in the stored unit of the limit's metric. gain: of the objective in its stored unit, above 0.
    """

    limit: Limit
    by: float
    candidate: Candidate
    gain: float


@dataclass(frozen=True)
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


def pick(candidates: Sequence[Candidate], limits: Sequence[Limit], objective: str) -> Pick:
    """Choose among variants whose metrics are all known.

    Of equal ones by the objective, the one with the higher mIoU on the validation split, then the fewer MACs, then by
    name.

    Args:
        objective: a metric; the best is the highest or the lowest, by its direction.
    """
    within = sorted((c for c in candidates if c.meets(limits)), key=lambda c: _order(c, objective))
    if not within:
        return Pick(objective, limits, None, None, 0, (), _conflict(candidates, limits), _nearest(candidates, limits))
    best = within[0]
    steps = [step for limit in limits for step in _relaxations(candidates, limits, limit, best, objective)]
    return Pick(objective, limits, best, within[1] if len(within) > 1 else None, len(within), steps, (), None)


def _order(candidate: Candidate, objective: str) -> tuple[float, float, float, str]:
    miou, macs = candidate.values.get("miou_val", 0.0), candidate.values.get("macs", 0.0)
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
            steps.append(Relaxation(limit, limit.shortfall(c.values[limit.metric]), c, gain))
    return steps


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
