"""Whether head is slower than base: the verdict of a latency guard, with its own false-alarm rate and reach."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from bench.stats.paired_ratio import Ratio, head_log, noise_of, paired_log, ratio

State = Literal["regressed", "unclear", "improved", "unchanged"]
STATES: tuple[State, ...] = ("regressed", "unclear", "improved", "unchanged")
"""The worst first."""
_FALSE_ALARMS = 0.0025
"""Highest rate of false alarms that a limit may have by the noise of its own job, at each look."""
_DETECTED = 0.95
"""Of slow-downs as large as the verdict's reach."""
Times = Sequence[Sequence[int]]
"""Nanoseconds of the base, of the base again and of head, by cycle."""


@dataclass(frozen=True)
class Rule:
    """What counts as a slow-down.

    tolerated: share by which head may be slower. wanted: share that a verdict must have been able to see, to be one.
    """

    tolerated: float = 0.04
    wanted: float = 0.10


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the pairs say of one variant.

    head: time of head over base. same: of base over itself, which measures the noise. limit: share from which head
    counts as slower. false_alarms: probability that equal code comes out beyond it. seen: smallest slow-down, as a
    share, that would have been found in 95 of 100 jobs. base_ms, head_ms: medians of all passes; compare the ratio.
    times_ns: all of them, by restart.
    """

    state: State
    head: Ratio
    same: Ratio
    limit: float
    false_alarms: float
    seen: float
    base_ms: float
    head_ms: float
    times_ns: tuple[Times, ...]
    reason: str = ""

    @property
    def restarts(self) -> int:
        return len(self.times_ns)

    @property
    def is_far_from_limit(self) -> bool:
        """Whether head is no further from the base than half of the limit."""
        return abs(math.log(self.head.value)) <= math.log1p(self.limit) / 2

    @property
    def cycles(self) -> int:
        """Of the shortest restart."""
        return min(len(times[0]) for times in self.times_ns)


def judge_in_looks(restarts: Iterable[Times], first_look: int, rule: Rule) -> Verdict:
    """Judge one variant after so many restarts and, where that is unclear, once more when no more of them come.

    Between the two looks the job ends only as "unchanged", and only where head is far from the limit: an alarm at any
    of many looks would come too often, and a slow-down near the limit would once slip below it. The rate of false
    alarms of the last look has that of the first added.

    Args:
        restarts: at least two; no more are taken than are needed.
    """
    times: list[Times] = []
    first: Verdict | None = None
    for restart in restarts:
        times.append(restart)
        if len(times) == first_look:
            first = judge(times, rule)
            if first.state != "unclear":
                return first
        elif first is not None:
            verdict = judge(times, rule, first.false_alarms)
            if verdict.state == "unchanged" and verdict.is_far_from_limit:
                return verdict
    return judge(times, rule, first.false_alarms if first else 0.0)


def judge(restarts: Sequence[Times], rule: Rule, false_alarms_before: float = 0.0) -> Verdict:
    """Judge one variant by at least two restarts.

    Args:
        false_alarms_before: rate of an earlier look at the same job, which could have raised the alarm too.
    """
    other = [head_log(*times) for times in restarts]
    same = [paired_log(again, base) for base, again, _ in restarts]
    noise = noise_of(same, other)
    limit = max(math.log1p(rule.tolerated), noise.reach(1 - _FALSE_ALARMS))
    seen = limit + noise.reach(_DETECTED)
    alarms = min(1.0, false_alarms_before + noise.chance_above(limit))
    state, reason = _decide(median(other), limit, seen, rule)
    return Verdict(
        state=state,
        head=ratio(other),
        same=ratio(same),
        limit=math.expm1(limit),
        false_alarms=alarms,
        seen=math.expm1(seen),
        base_ms=_milliseconds(restarts, (0, 1)),
        head_ms=_milliseconds(restarts, (2,)),
        times_ns=tuple(restarts),
        reason=reason,
    )


def _decide(head: float, limit: float, seen: float, rule: Rule) -> tuple[State, str]:
    if not (math.isfinite(head) and math.isfinite(seen)):
        return "regressed", "the ratio of its times is not a finite number"
    if abs(head) > limit:
        return ("regressed" if head > 0 else "improved"), ""
    if math.expm1(seen) > rule.wanted:
        hidden = f"a slow-down below {_percent(seen)} could not have been seen"
        return "unclear", f"{hidden}, and one of {100 * rule.wanted:g} % must be"
    return "unchanged", ""


def _percent(log: float) -> str:
    return f"{100 * math.expm1(log):.1f} %"


def _milliseconds(restarts: Sequence[Times], sides: tuple[int, ...]) -> float:
    return median(time for times in restarts for side in sides for time in times[side]) / 1e6
