"""Run a plan: every cell becomes a record as soon as it ends."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.machine import commit, machine_facts, machine_id, versions
from bench.records import GROUPS, Record
from bench.store import Store
from bench.sweep.cells import Cell
from bench.sweep.forecast import Forecast, Lanes
from bench.sweep.pool import Finished, Progress, run_cells
from bench.sweep.prepare import Plan


@dataclass
class Tally:
    """What a run did, and where it stands."""

    total: int
    measured: int = 0
    failed: list[Record] = field(default_factory=list)
    waiting: list[Cell] = field(default_factory=list)
    running: dict[str, tuple[Cell, float]] = field(default_factory=dict)

    @property
    def ended(self) -> int:
        return self.measured + len(self.failed)


class Watcher:
    """Is told what happens; the command line shows it."""

    def on_progress(self, progress: Progress, tally: Tally, seconds_left: float) -> None:
        """A cell went on."""

    def on_record(self, record: Record, tally: Tally, seconds_left: float) -> None:
        """A cell ended and its record is on the disk."""


def run_plan(plan: Plan, store: Store, forecast: Forecast, timeout_s: float, watcher: Watcher) -> Tally:
    """Measure all cells of the plan: costs and trainings side by side, then latencies, alone.

    Raises:
        UserError: a record cannot be written; those before it are kept.
    """
    store.write_plan(plan.space.name, plan.keys)
    for record in plan.reused:
        store.append(plan.space.name, record)
    tally = Tally(total=len(plan.todo), waiting=list(plan.todo))
    for event in _events(plan, forecast.lanes, timeout_s):
        if event.cell in tally.waiting:
            tally.waiting.remove(event.cell)
        if isinstance(event, Progress):
            tally.running[event.cell.key] = (event.cell, event.share)
            watcher.on_progress(event, tally, forecast.seconds_left(tally.waiting, tally.running))
            continue
        tally.running.pop(event.cell.key, None)
        record = make_record(event)
        store.append(plan.space.name, record)
        if record.status == "ok" and record.group == "accuracy" and plan.sources.trained:
            plan.sources.trained.checkpoint(record.key).remove()
        _count(tally, record)
        forecast.learn(event.cell, event.seconds)
        watcher.on_record(record, tally, forecast.seconds_left(tally.waiting, tally.running))
    return tally


def make_record(event: Finished) -> Record:
    """The record of a cell that ended, with machine, versions and commit.

    A number that is infinite or not a number makes the cell a failure.
    """
    measurement, reason = event.measurement, event.reason
    unfit = [name for name, value in measurement.metrics.items() if not math.isfinite(value)] if measurement else []
    if unfit:
        measurement, reason = None, f"{unfit[0]} is not a finite number"
    return Record(
        key=event.cell.key,
        group=event.cell.group,
        variant=event.cell.spec.name,
        spec_hash=event.cell.spec.content_hash,
        spec=event.cell.spec.to_json(),
        setting=event.cell.setting,
        words=event.cell.words,
        status="failed" if measurement is None else "paused" if measurement.paused else "ok",
        reason=reason,
        metrics=measurement.metrics if measurement else {},
        details=measurement.details if measurement else {"log": event.log},
        machine=machine_facts(),
        machine_id=machine_id(),
        versions=versions(),
        commit=commit(),
        started=event.started,
        seconds=round(event.seconds, 2),
    )


def _events(plan: Plan, lanes: Lanes, timeout_s: float) -> Iterator[Progress | Finished]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        sources = replace(plan.sources, exports=Path(folder))
        for group in GROUPS:
            cells = [cell for cell in plan.todo if cell.group == group]
            yield from run_cells(cells, sources, lanes.of(group, cells), timeout_s)


def _count(tally: Tally, record: Record) -> None:
    if record.status == "ok":
        tally.measured += 1
    else:
        tally.failed.append(record)
