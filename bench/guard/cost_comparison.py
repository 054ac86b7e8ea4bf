"""Compare the costs of today with a baseline: which figure of which variant grew or fell, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from bench.cost.figures import Cost, weights_grown, work_grown
from bench.guard.baseline_faults import BaselineFault
from bench.guard.cost_baseline import GUARDED

Allowance = Mapping[str, Fraction]
"""Growth in percent of the baseline that is let through, by figure; exact, so that a limit is one."""
Verdict = Literal["grew", "within", "fell"]
State = Literal["grew", "uncountable", "within", "fell", "same", "new", "dropped"]
STATES: tuple[State, ...] = ("uncountable", "grew", "within", "fell", "new", "dropped", "same")
"""The worst first."""
FAILING: frozenset[State] = frozenset(("uncountable", "grew"))
_DIFFERENCES: dict[str, Callable[[Cost, Cost], dict[tuple[str, str], int]]] = {
    "macs": lambda before, now: work_grown(before, now, lambda work: work.macs),
    "parameters": lambda before, now: weights_grown(before, now, lambda weights: weights.parameters),
    "activations": lambda before, now: work_grown(before, now, lambda work: work.written),
}
"""By how much each (part, operator) of a figure that adds up differs."""


@dataclass(frozen=True)
class Place:
    """A part and an operator of it, and by how much the figure differs there.

    The operator of parameters is the one that reads them first.
    """

    part: str
    operator: str
    difference: int


@dataclass(frozen=True, kw_only=True)
class Change:
    """A figure that differs from the baseline.

    allowed: growth in percent that is let through. places: where it differs, the most of it first; of peak memory,
    where the peak is now. was_at: where the peak was.
    """

    metric: str
    before: int
    now: int
    allowed: Fraction
    places: tuple[Place, ...]
    was_at: Place | None = None

    @property
    def difference(self) -> int:
        return self.now - self.before

    @property
    def percent(self) -> float | None:
        """Of the baseline; None where that is 0."""
        return 100 * self.difference / self.before if self.before else None

    @property
    def verdict(self) -> Verdict:
        if self.difference < 0:
            return "fell"
        return "grew" if 100 * self.difference > self.allowed * self.before else "within"


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """An operator without a formula that runs more often than before: what it costs is not in the figures."""

    part: str
    operator: str
    before: int
    now: int


@dataclass(frozen=True, kw_only=True)
class GuardedVariant:
    """A variant beside its baseline.

    reason: why it cannot be counted, or was dropped. cost: of today. in_space: whether its space has it still, as far
    as is known; of what has left, accepting today's figures drops the baseline.
    """

    name: str
    state: State
    changes: tuple[Change, ...] = ()
    hidden: tuple[Hidden, ...] = ()
    reason: str = ""
    cost: Cost | None = None
    in_space: bool = True

    @property
    def fails(self) -> bool:
        return self.state in FAILING

    @property
    def worst_percent(self) -> float:
        """The highest growth, for an order."""
        return max((float("inf") if c.percent is None else c.percent for c in self.changes), default=0)


@dataclass(frozen=True, kw_only=True)
class SpaceGuard:
    """The variants of a space, the worst first; at one size (width, height) and number of classes.

    baseline: path of the file. accept: the command that makes today's figures the baseline.
    compared: variants that had figures to be compared with. notes: what a reader should know, in words.
    faults: how the baseline allows more than at the revision that is compared with.
    """

    space: str
    baseline: str
    accept: str
    size: tuple[int, int] | None
    classes: int | None
    variants: tuple[GuardedVariant, ...]
    compared: int
    notes: tuple[str, ...] = ()
    faults: tuple[BaselineFault, ...] = ()

    def count(self, state: State) -> int:
        return sum(variant.state == state for variant in self.variants)

    @property
    def lacks_baseline(self) -> bool:
        """Whether nothing was compared, and no variant that cannot be counted is why."""
        return not self.compared and not self.count("uncountable")


@dataclass(frozen=True, kw_only=True)
class GuardReport:
    """What the guard found in all spaces; or accepted, where `accepted`.

    seconds: that counting took. against: the revision whose baselines are compared with; "": the files as they are.
    set_aside: plug-ins that could not be loaded, with their reasons.
    """

    spaces: tuple[SpaceGuard, ...]
    method: int
    commit: str
    versions: dict[str, str]
    seconds: float
    accepted: bool = False
    against: str = ""
    set_aside: tuple[str, ...] = ()

    @property
    def compared(self) -> int:
        return sum(space.compared for space in self.spaces)

    @property
    def figures(self) -> int:
        """Figures that were compared."""
        return len(GUARDED) * self.compared

    @property
    def accepted_figures(self) -> int:
        """Figures of today, which are the baseline where the report says that it was accepted."""
        return len(GUARDED) * sum(variant.cost is not None for space in self.spaces for variant in space.variants)

    @property
    def faults(self) -> int:
        """Ways in which baselines allow more than was agreed to."""
        return sum(len(space.faults) for space in self.spaces)

    def count(self, state: State) -> int:
        return sum(space.count(state) for space in self.spaces)

    @property
    def fails(self) -> bool:
        """Whether something grew or cannot be counted, or a baseline allows more than was agreed to.

        Of what was accepted only what cannot be counted fails.
        """
        return bool(self.count("uncountable") or self.faults or (self.count("grew") and not self.accepted))

    @property
    def is_empty(self) -> bool:
        """Whether there was a space of which nothing was compared (or accepted), or no space at all."""
        if self.accepted:
            return not all(any(v.cost for v in space.variants) for space in self.spaces) or not self.spaces
        return not self.spaces or not all(space.compared for space in self.spaces)


def guard_variant(
    name: str, before: Cost | None, now: Cost | None, allowed: Allowance, reason: str = ""
) -> GuardedVariant:
    """Compare a variant with its baseline. What cannot be counted fails, with a baseline or without: broken is not new.

    Args:
        before: the baseline; None for a new variant.
        now: today's cost; None where it cannot be counted, with the reason.
    """
    if now is None:
        return GuardedVariant(name=name, state="uncountable", reason=reason)
    if before is None:
        return GuardedVariant(name=name, state="new", cost=now)
    changes = tuple(
        _change(metric, before, now, allowed[metric])
        for metric in GUARDED
        if before.metrics()[metric] != now.metrics()[metric]
    )
    hidden = _hidden(before, now)
    verdicts = {change.verdict for change in changes}
    for state in ("grew", "within", "fell"):
        if state in verdicts or (state == "grew" and hidden):
            return GuardedVariant(name=name, state=state, changes=changes, hidden=hidden, cost=now)
    return GuardedVariant(name=name, state="same", cost=now)


def worst_first(variants: list[GuardedVariant]) -> tuple[GuardedVariant, ...]:
    """In the order of reading."""
    return tuple(sorted(variants, key=lambda v: (STATES.index(v.state), -v.worst_percent, v.name)))


def _change(metric: str, before: Cost, now: Cost, allowed: Fraction) -> Change:
    old, new = before.metrics()[metric], now.metrics()[metric]
    if metric == "peak_bytes":
        at, was_at = (Place(cost.peak.part, cost.peak.operator, new - old) for cost in (now, before))
        return Change(metric=metric, before=old, now=new, allowed=allowed, places=(at,), was_at=was_at)
    places = [
        Place(part, operator, difference) for (part, operator), difference in _DIFFERENCES[metric](before, now).items()
    ]
    sign = 1 if new > old else -1
    places.sort(key=lambda place: (-sign * place.difference, place.part, place.operator))
    return Change(metric=metric, before=old, now=new, allowed=allowed, places=tuple(places))


def _hidden(before: Cost, now: Cost) -> tuple[Hidden, ...]:
    return tuple(
        Hidden(part=_part_of(operator, now), operator=operator, before=before.unknown.get(operator, 0), now=calls)
        for operator, calls in sorted(now.unknown.items())
        if calls > before.unknown.get(operator, 0)
    )


def _part_of(operator: str, cost: Cost) -> str:
    """Parts in which an operator runs; "" where it writes nothing and is not kept."""
    return ", ".join(part for part, operators in cost.work.items() if operator in operators)
