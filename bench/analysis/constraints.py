"""Limits in the words of a decision: `>=0.70`, `<=30ms`, `<=8`, `<=5M`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from bench.errors import UserError
from bench.metrics import METRICS
from bench.quantities import read_number

_FORM = re.compile(r"(<=|>=)\s*((?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:e-?[0-9]+)?)\s*([a-zA-Zµ%]*)")
_UNITS: dict[str, dict[str, float]] = {
    "%": {"": 1.0, "%": 0.01},
    "G": {"": 1e9, "g": 1e9, "gmacs": 1e9, "m": 1e6, "mmacs": 1e6, "gflops": 1e9},
    "M": {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9},
    "MB": {"": 1e6, "mb": 1e6, "gb": 1e9, "kb": 1e3},
    "ms": {"": 1.0, "ms": 1.0, "s": 1e3, "us": 1e-3, "µs": 1e-3},
}
"""By the unit that a metric is shown in: what a number with each suffix is in the stored unit."""


@dataclass(frozen=True)
class Limit:
    """A bound on a metric in its stored unit: the least that is enough, or the most that is allowed."""

    metric: str
    value: float

    @property
    def is_least(self) -> bool:
        """Whether the metric may not be below."""
        return METRICS[self.metric].higher_is_better

    def holds(self, value: float) -> bool:
        """Whether a value is within; one that is not known is not."""
        return value >= self.value if self.is_least else value <= self.value

    def shortfall(self, value: float) -> float:
        """By how much a value misses the limit, in the stored unit; 0 or less: it is within."""
        return self.value - value if self.is_least else value - self.value

    def __str__(self) -> str:
        metric = METRICS[self.metric]
        return f"{metric.label} {'≥' if self.is_least else '≤'} {_plain(self.value * metric.scale)} {metric.unit}"


def stored_per_shown(metric: str) -> float:
    """What one of the unit that a metric is shown in is in its stored unit."""
    unit = METRICS[metric].unit
    return _UNITS[unit][unit.lower()]


def read_limit(metric: str, text: str) -> Limit:
    """Read a limit, in the direction that the metric has.

    Args:
        metric: a key of the metric table.
        text: `>=0.70`, `>=70%`, `<=30ms`, `<=8`, `<=5M`.

    Raises:
        UserError: it is none, has another unit, bounds the good side, is 0 or infinite, or counts parts of a parameter.
    """
    shown = METRICS[metric]
    example = {"%": ">=0.70", "G": "<=8", "M": "<=5M", "MB": "<=200MB", "ms": "<=30ms"}[shown.unit]
    match = _FORM.fullmatch(text.strip())
    units = _UNITS[shown.unit]
    if not match or match[3].lower() not in units:
        raise UserError(f"{text!r} is no limit on {shown.label}: write it as {example!r}, in quotes.")
    sign = ">=" if shown.higher_is_better else "<="
    if match[1] != sign:
        raise UserError(f"{text!r} bounds {shown.label} on its good side, since {shown.direction}: write {example!r}.")
    value = float(match[2]) * units[match[3].lower()]
    if shown.unit == "%" and value > 1:
        raise UserError(f"{text!r} is more than all: write mIoU as {example!r} or '>={100 * 0.7:g}%'.")
    if value == 0 or math.isinf(value):
        met_by = "every" if shown.higher_is_better or value else "no"
        raise UserError(
            f"{text!r} is a limit of {value:g}, which {met_by} variant meets: "
            f"leave it out, or write one such as {example!r}."
        )
    if metric == "parameters":
        value = _whole(match[2] + match[3])
    return Limit(metric, value)


def _whole(text: str) -> int:
    try:
        return read_number(text)
    except ValueError as error:
        raise UserError(f"{error}.") from None


def _plain(value: float) -> str:
    return f"{value:.6g}"
