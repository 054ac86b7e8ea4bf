"""The confidence level of every interval, and the percentile interval of bootstrap resamples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
PERCENTILES = (2.5, 97.5)
"""Of the resamples: the bounds of an interval at `CONFIDENCE`."""
RESAMPLES = 1000


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


def percentile_interval(value: float, resamples: NDArray[np.float64]) -> Interval:
    """Return the value with the percentile interval of its resamples; resamples that are NaN do not count."""
    low, high = np.nanpercentile(resamples, PERCENTILES)
    return Interval(value, float(low), float(high))
