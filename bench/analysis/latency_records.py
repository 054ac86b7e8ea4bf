"""What a latency record says of itself: its metric, and its setting as far as it was kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bench.metrics import latency_metric
from bench.settings.latency import LatencySetting
from bench.storage.records import Record


def metric_of(record: Record) -> str:
    """The metric that the record holds: of its device and runtime."""
    return latency_metric(record.setting["device"], record.setting["runtime"])


def processes_of(latency: Iterable[Record]) -> dict[str, tuple[int, int]]:
    """By metric, in how many processes variants were timed: the fewest and the most."""
    counts = Counter((metric_of(record), record.variant) for record in latency)
    found: dict[str, list[int]] = {}
    for (metric, _), count in counts.items():
        found.setdefault(metric, []).append(count)
    return {metric: (min(of), max(of)) for metric, of in found.items()}


def setting_of(record: Record) -> LatencySetting | None:
    """The whole setting; None of a record of before scope, batch and layout were part of it."""
    return (
        LatencySetting.from_json({name: record.setting[name] for name in LatencySetting.model_fields})
        if "scope" in record.setting
        else None
    )


def samples_of(records: list[Record]) -> list[float]:
    """Milliseconds of all passes of all processes."""
    return [sample for record in records for sample in record.details["samples_ms"]]
