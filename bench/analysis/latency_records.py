"""What a latency record says of itself: its metric, and its samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from bench.metrics import latency_metric
from bench.storage.records import LatencyRecord, ProcessRecord


def metric_of(record: LatencyRecord) -> str:
    """The metric that the record holds: of its device and runtime."""
    return latency_metric(record.setting.device, record.setting.runtime)


def processes_of(latency: Iterable[LatencyRecord]) -> dict[str, tuple[int, int]]:
    """By metric, in how many processes variants were timed: the fewest and the most."""
    counts = Counter((metric_of(record), record.variant) for record in latency)
    found: dict[str, list[int]] = {}
    for (metric, _), count in counts.items():
        found.setdefault(metric, []).append(count)
    return {metric: (min(of), max(of)) for metric, of in found.items()}


def samples_of(records: Sequence[ProcessRecord]) -> list[float]:
    """Milliseconds of all passes of all processes."""
    return [sample for record in records for sample in record.details["samples_ms"]]
