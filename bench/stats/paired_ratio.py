"""What lock-step times say: the ratio of two sides with an interval, and the noise that is left in it.

Times of one cycle are paired. A restart gives the median of its paired log ratios; restarts are
taken as independent, since each forks all processes anew, and between them Student's t holds. Plain numbers in, plain
numbers out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median, stdev

from scipy.stats import t as student

from bench.stats.interval import CONFIDENCE

_MEDIAN_WIDENS = math.sqrt(math.pi / 2)
"""The median of many normal numbers spreads this times as much as their mean; of few a little less."""


@dataclass(frozen=True)
class Ratio:
    """Time of one side over that of another, with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def differs(self) -> bool:
        """Whether the interval leaves out 1."""
        return self.low > 1 or self.high < 1

    @property
    def could_hide(self) -> float:
        """The largest difference that the interval holds, as a share."""
        return max(self.high - 1, 1 - self.low)


def paired_log(first: Sequence[int], second: Sequence[int]) -> float:
    """Median over cycles of the log of `first` over `second`, times of the same cycles.

    Always of two: times are skewed, since now and then a pass finds its caches warm, and of equal sides only the
    difference of two has its median at zero. Against the mean of two others it came out 0.9 % off.
    """
    return median(math.log(one / other) for one, other in zip(first, second, strict=True))


def head_log(base: Sequence[int], again: Sequence[int], head: Sequence[int]) -> float:
    """Log of `head` over a base that ran twice: the mean over each of both."""
    return (paired_log(head, base) + paired_log(head, again)) / 2


def ratio(logs: Sequence[float]) -> Ratio:
    """The ratio from the paired logs of at least two restarts."""
    centre = median(logs)
    error = student.ppf((1 + CONFIDENCE) / 2, len(logs) - 1) * _MEDIAN_WIDENS * stdev(logs) / math.sqrt(len(logs))
    return Ratio(math.exp(centre), math.exp(centre - error), math.exp(centre + error))


@dataclass(frozen=True)
class Noise:
    """Standard error of the median over restarts, in log units, known from so many degrees of freedom."""

    error: float
    freedom: int

    def chance_above(self, limit: float) -> float:
        """Probability that a log ratio of equal sides comes out above `limit`."""
        return float(student.sf(limit / self.error, self.freedom)) if self.error else 0.0

    def reach(self, probability: float) -> float:
        """Log ratio that equal sides stay below with that probability."""
        return float(student.ppf(probability, self.freedom)) * self.error


def noise_of(same: Sequence[float], other: Sequence[float]) -> Noise:
    """The noise of `other` from both arms of a guard, restart by restart.

    A process has a spread of its own, s. The same code against itself has a variance of 2 s^2, around zero; head
    against the mean of both runs of the base one of 1.5 s^2, around what is looked for. They are uncorrelated, so
    both tell of s.

    Args:
        same: paired logs of the base's second run over its first.
        other: those of head, see `head_log`.
    """
    restarts = len(same)
    centre = mean(other)
    squares = sum(x * x for x in same) / 2 + sum((x - centre) ** 2 for x in other) / 1.5
    freedom = 2 * restarts - 1
    return Noise(_MEDIAN_WIDENS * math.sqrt(1.5 * squares / freedom / restarts), freedom)
