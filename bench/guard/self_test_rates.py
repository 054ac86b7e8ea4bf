"""What trials of the guard come to: rates of false alarms and of detections, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from scipy.stats import binomtest

from bench.stats.interval import CONFIDENCE

MOST_FALSE_ALARMS, LEAST_DETECTED, MOST_SECONDS = 0.01, 0.95, 60.0
"""What the guard promises; the seconds are of one verdict."""
FEWEST_DECISIONS = 200
"""On equal code, for a rate of one in a hundred to be told from one of a few."""


@dataclass(frozen=True)
class Rate:
    """So many of so many, with the exact (Clopper and Pearson) 95 % interval of the rate."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        return self.hits / self.of

    @property
    def interval(self) -> tuple[float, float]:
        found = binomtest(self.hits, self.of).proportion_ci(CONFIDENCE, "exact")
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        low, high = self.interval
        rate = f"{100 * self.value:.1f} % (95 % interval {100 * low:.1f} to {100 * high:.1f} %)"
        return f"{self.hits} of {self.of}, {rate}"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One trial as it is kept.

    more_work: whether head did a tenth more. state, ratio, limit, false_alarms, seen: of the verdict. seconds: that it
    took. load: share of the CPUs that other processes took meanwhile; None where the system does not tell.
    """

    more_work: bool
    state: str
    ratio: float
    limit: float
    false_alarms: float
    seen: float
    seconds: float
    load: float | None


@dataclass(frozen=True, kw_only=True)
class SelfTest:
    """Rates over all trials. stated: mean of the false-alarm rates that the verdicts gave of themselves.

    slow_down: median ratio of the slower side. typical_seconds, seconds: of a verdict, median and slowest.
    """

    false_alarms: Rate
    false_improvements: Rate
    detected: Rate
    unclear: Rate
    stated: float
    slow_down: float
    typical_seconds: float
    seconds: float

    @property
    def is_enough(self) -> bool:
        """Whether there are as many decisions as the promise is of."""
        return self.false_alarms.of >= FEWEST_DECISIONS

    @property
    def holds(self) -> bool:
        """Whether the rates are as promised."""
        return (
            self.false_alarms.value <= MOST_FALSE_ALARMS
            and self.detected.value >= LEAST_DETECTED
            and self.seconds <= MOST_SECONDS
        )


def sum_up(decisions: Sequence[Decision]) -> SelfTest:
    """Count. A verdict that cannot tell is neither a false alarm nor a detection.

    Raises:
        ValueError: there is none of a kind.
    """
    same = [decision for decision in decisions if not decision.more_work]
    slower = [decision for decision in decisions if decision.more_work]
    if not same or not slower:
        raise ValueError("no decision of a kind to sum up")
    return SelfTest(
        false_alarms=_rate(same, "regressed"),
        false_improvements=_rate(same, "improved"),
        detected=_rate(slower, "regressed"),
        unclear=_rate(same, "unclear"),
        stated=mean(decision.false_alarms for decision in same),
        slow_down=median(decision.ratio for decision in slower),
        typical_seconds=median(decision.seconds for decision in decisions),
        seconds=max(decision.seconds for decision in decisions),
    )


def _rate(decisions: Sequence[Decision], state: str) -> Rate:
    return Rate(sum(decision.state == state for decision in decisions), len(decisions))
