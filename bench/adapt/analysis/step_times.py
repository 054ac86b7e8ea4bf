"""What the steps of an adaptation take, as its latency records have it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.analysis.latency_quality import Doubt, doubt, percent
from bench.analysis.latency_records import metric_of
from bench.stats.interval import Interval
from bench.storage.records import StepRecord

BATCH_NORM = "batchnorm"
"""The step that puts other numbers into the same network."""


@dataclass(frozen=True, kw_only=True)
class StepTime:
    """A step inside a pass, in milliseconds.

    added: what it adds, median with its 95 % interval. alone: the step by itself, likewise; None of a resizing, which
    is part of the pass. plain: median of a pass without it. whole: of a pass with it, median with its quartiles.
    """

    added: Interval
    alone: Interval | None
    plain: float
    whole: Interval
    passes: int
    doubts: Sequence[Doubt]
    record: StepRecord


def step_time(record: StepRecord) -> StepTime:
    """Of the record of a step's latency."""
    details = record.details
    doubts = [doubt(one["kind"], one["size"]) for one in details["doubts"]]
    plain = details["network_ms"]
    return StepTime(
        added=_interval(record, "added_ms"),
        alone=_interval(record, "step_ms") if "step_ms" in record.metrics else None,
        plain=plain["median"],
        whole=_interval(record, metric_of(record)),
        passes=len(plain["samples"]),
        doubts=doubts,
        record=record,
    )


def doubt_lines(records: Sequence[StepRecord], name: str) -> Iterator[str]:
    """Why times of steps of an adaptation may be wrong, a line a kind of doubt, and what to do."""
    kinds: dict[str, list[Doubt]] = defaultdict(list)
    for record in records:
        for one in step_time(record).doubts:
            kinds[one.kind].append(one)
    for found in kinds.values():
        worst = max(found, key=lambda one: one.size)
        size = f"{'up to ' if len(found) > 1 else ''}{percent(worst.size)}"
        yield (
            f"doubtful: {len(found)} of {len(records)} times of steps: {worst.fact.format(size)}. What to do: "
            f"{worst.mend}; then delete their lines of group latency in results/adapt/{name}/, and `bench adapt` "
            "measures them again"
        )


def _interval(record: StepRecord, metric: str) -> Interval:
    numbers = record.metrics
    return Interval(numbers[metric], numbers[f"{metric}_low"], numbers[f"{metric}_high"])
