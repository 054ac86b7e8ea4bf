"""Measured latencies of one hardware, sweep by sweep: what estimates are held against."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

from bench.analysis.latency_records import metric_of
from bench.analysis.selection import select
from bench.storage.records import ProcessRecord
from bench.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class MeasuredSweep:
    """Median milliseconds by spec hash, of one sweep at one size (width, height) and number of classes."""

    sweep: str
    size: tuple[int, int]
    classes: int
    variants: dict[str, str]
    """Names by spec hash."""
    ms: dict[str, float]


def measured_sweeps(store: Store, of_hardware: Callable[[ProcessRecord], bool]) -> Iterator[MeasuredSweep]:
    """The planned latencies of every sweep that has some of the hardware; the median over processes.

    Raises:
        UserError: a file of records or a plan cannot be read.
    """
    for sweep in store.sweeps():
        shown = select(store.read(sweep), store.read_plan(sweep).keys).shown
        records = [record for record in shown if isinstance(record, ProcessRecord) and of_hardware(record)]
        if records:
            yield _measured(sweep, records)


def _measured(sweep: str, records: list[ProcessRecord]) -> MeasuredSweep:
    samples: dict[str, list[float]] = defaultdict(list)
    for record in records:
        samples[record.spec_hash].append(record.metrics[metric_of(record)])
    setting = records[0].setting
    names = {record.spec_hash: record.variant for record in records}
    return MeasuredSweep(
        sweep=sweep,
        size=setting.size,
        classes=setting.classes,
        variants=names,
        ms={spec: median(ms) for spec, ms in samples.items()},
    )
