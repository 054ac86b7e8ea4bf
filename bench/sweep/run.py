"""Run a plan: every cell becomes a record as soon as it ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from bench.analysis.successive_halving import Rung
from bench.metrics import implausible
from bench.storage.atomic_files import clear_unfinished, scratch_folder
from bench.storage.records import GROUPS, Record, record_of
from bench.storage.store import Store
from bench.sweep.cells import Cell
from bench.sweep.executor import Executor
from bench.sweep.forecast import Forecast, Lanes
from bench.sweep.halving import Stop, halve
from bench.sweep.pool import Finished, Progress, run_cells
from bench.sweep.prepare import Plan
from bench.system.machine import Origin, commit


@dataclass(kw_only=True)
class Tally:
    """What a run did, and where it stands."""

    total: int
    measured: int = 0
    failed: list[Record] = field(default_factory=list)
    stopped: list[Record] = field(default_factory=list)
    """Trainings that halving does not go on with."""
    waiting: dict[str, Cell] = field(default_factory=dict)
    running: dict[str, tuple[Cell, float]] = field(default_factory=dict)

    @property
    def ended(self) -> int:
        return self.measured + len(self.failed) + len(self.stopped)


class Watcher:
    """Is told what happens; the command line shows it."""

    def on_progress(self, progress: Progress, tally: Tally, seconds_left: float) -> None:
        """A cell went on."""

    def on_record(self, record: Record, tally: Tally, seconds_left: float) -> None:
        """A cell ended and its record is on the disk."""


def run_plan(
    plan: Plan,
    store: Store,
    forecast: Forecast,
    timeout_s: float,
    watcher: Watcher,
    rungs: Sequence[Rung] | None = None,
    tally: Tally | None = None,
    execute: Executor = run_cells,
) -> Tally:
    """Measure all cells of the plan: costs and trainings side by side, then latencies, alone.

    Args:
        rungs: of successive halving; None trains every variant to the end.
        tally: of plans that were run before this one, which goes on.
        execute: runs the cells of a group.

    Raises:
        DiskError: a record, or what a training leaves, cannot be written; the records before it are kept.
    """
    _clear_leftovers(plan, store)
    store.write_plan(plan.space.name, plan.keys, plan.chosen_by)
    for record in plan.reused:
        store.append(plan.space.name, record)
    tally = tally or Tally(total=len(plan.todo))
    tally.waiting |= {cell.key: cell for cell in plan.todo}
    for event in _events(
        plan, store, tally=tally, lanes=forecast.lanes, timeout_s=timeout_s, rungs=rungs, execute=execute
    ):
        tally.waiting.pop(event.cell.key, None)
        if isinstance(event, Progress):
            tally.running[event.cell.key] = (event.cell, event.share)
            watcher.on_progress(event, tally, _seconds_left(forecast, tally))
            continue
        tally.running.pop(event.cell.key, None)
        record = event.record if isinstance(event, Stop) else make_record(event)
        if not isinstance(event, Stop) or event.is_new:
            store.append(plan.space.name, record)
        if record.status == "ok" and record.group == "accuracy" and plan.sources.trained:
            plan.sources.trained.checkpoint(record.key).remove()
        _count(tally, event.cell, record)
        if isinstance(event, Finished) and record.status != "paused":
            forecast.learn(event.cell, event.seconds)
        watcher.on_record(record, tally, _seconds_left(forecast, tally))
    return tally


def _clear_leftovers(plan: Plan, store: Store) -> None:
    """Take away what kills left: half-written files, and checkpoints of trainings whose record stands."""
    for folder in ("", "weights", "confusions", "predictions"):
        clear_unfinished(store.root / plan.space.name / folder)
    if plan.sources.trained is None:
        return
    unended = {cell.key for cell in plan.todo} | {record.key for record in plan.failed_before}
    for key in plan.keys:
        if key not in unended:
            plan.sources.trained.checkpoint(key).remove()


def _seconds_left(forecast: Forecast, tally: Tally) -> float:
    return forecast.seconds_left(list(tally.waiting.values()), tally.running)


def make_record(event: Finished) -> Record:
    """The record of a cell that ended, with machine, versions and commit.

    A number that cannot be, such as one that is not finite, makes the cell a failure.
    """
    measurement, reason = event.measurement, event.reason
    origin = event.origin or Origin.here()
    fault = implausible(measurement.metrics) if measurement else ""
    if fault:
        measurement, reason = None, fault
    return record_of(
        event.cell.setting,
        key=event.cell.key,
        variant=event.cell.spec.name,
        spec_hash=event.cell.spec.content_hash,
        spec=event.cell.spec.to_json(),
        words=event.cell.words,
        status="failed" if measurement is None else "paused" if measurement.paused else "ok",
        reason=reason,
        metrics=measurement.metrics if measurement else {},
        details=measurement.details if measurement else {"log": event.log},
        machine=origin.machine,
        machine_id=origin.machine_id,
        versions=origin.versions,
        commit=commit(),
        started=event.started,
        seconds=round(event.seconds, 2),
    )


def _events(
    plan: Plan,
    store: Store,
    tally: Tally,
    lanes: Lanes,
    timeout_s: float,
    rungs: Sequence[Rung] | None,
    execute: Executor,
) -> Iterator[Progress | Finished | Stop]:
    with scratch_folder() as folder:
        sources = replace(plan.sources, exports=folder)

        def run(cells: list[Cell]) -> Iterator[Progress | Finished]:
            if not cells:
                return iter(())
            at_once = lanes.of(cells[0].group, cells)
            return execute(cells, replace(sources, side_by_side=min(at_once, len(cells))), at_once, timeout_s)

        for group in GROUPS:
            cells = [cell for cell in plan.todo if cell.group == group]
            if group == "accuracy" and rungs:
                yield from halve(cells, rungs, partial(_of_plan, store, plan), run)
                continue
            if group == "latency" and tally.stopped:
                cells = _without_stopped(cells, plan, store, tally)
            yield from run(cells)


def _of_plan(store: Store, plan: Plan) -> list[Record]:
    planned = set(plan.keys)
    return [record for record in store.read(plan.space.name) if record.key in planned]


def _without_stopped(cells: list[Cell], plan: Plan, store: Store, tally: Tally) -> list[Cell]:
    """Leave latencies of variants that have stopped out of the sweep: there is no mIoU to put them beside."""
    names = {record.variant for record in tally.stopped}
    out = {cell.key for cell in cells if cell.spec.name in names}
    tally.total -= len(out)
    for key in out:
        tally.waiting.pop(key, None)
    store.write_plan(plan.space.name, [key for key in plan.keys if key not in out], plan.chosen_by)
    return [cell for cell in cells if cell.key not in out]


def _count(tally: Tally, cell: Cell, record: Record) -> None:
    if record.status == "ok":
        tally.measured += 1
    elif record.status == "failed":
        tally.failed.append(record)
    elif record.reason:
        tally.stopped.append(record)
    else:
        tally.waiting[cell.key] = cell
