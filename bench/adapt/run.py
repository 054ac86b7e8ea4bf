"""Do all trainings of an adaptation, side by side on the cores; each record is on the disk as soon as it is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

import torch

from bench.adapt.adapter import Adapter
from bench.adapt.plan import Request, Training
from bench.adapt.prepare import Asked, prepare
from bench.errors import UserError
from bench.storage.records import AdaptationRecord
from bench.storage.store import adaptations_in
from bench.system.fork_server import end_with_parent, worker_context


@dataclass(kw_only=True)
class Tally:
    """trainings: how many there are to do. workers: at a time. started: when, by `time.perf_counter`."""

    trainings: int
    workers: int
    started: float = field(default_factory=time.perf_counter)
    done: int = 0
    failed: list[AdaptationRecord] = field(default_factory=list)

    @property
    def seconds_left(self) -> float:
        """By the mean of those that were done."""
        each = (time.perf_counter() - self.started) / self.done if self.done else 0.0
        return each * (self.trainings - self.done)


OnRecords = Callable[[Training, Sequence[AdaptationRecord], Tally], None]


def run_adaptation(
    asked: Asked, request: Request, trainings: Sequence[Training], results: Path, on_records: OnRecords
) -> Tally:
    """Train and judge; a failure is a record too, and ends no other training.

    Args:
        asked: what the request was made of; each process makes its own.
        trainings: those to do.
        results: folder of all sweeps.

    Raises:
        DiskError: the disk is full; the records before it are kept.
        UserError: a process died.
    """
    store = adaptations_in(results)
    there = {record.key for record in store.read(request.name) if record.status == "ok"}
    tally = Tally(trainings=len(trainings), workers=request.workers)
    for training, records in _done(asked, request, trainings, results):
        for record in records:
            if record.key not in there:  # a step that came later had its network trained again
                store.append(request.name, record)
        tally.done += 1
        tally.failed += [record for record in records if record.status == "failed"]
        on_records(training, records, tally)
    return tally


def _done(
    asked: Asked, request: Request, trainings: Sequence[Training], results: Path
) -> Iterator[tuple[Training, list[AdaptationRecord]]]:
    """In the order in which they end."""
    if request.workers == 1:
        adapter = Adapter(request, adaptations_in(results))
        yield from ((training, adapter.records(training)) for training in trainings)
        return
    pool = ProcessPoolExecutor(
        min(request.workers, len(trainings) or 1),
        mp_context=worker_context(__name__),
        initializer=_start,
        initargs=(asked, results),
    )
    try:
        of = {pool.submit(_do, training): training for training in trainings}
        for future in as_completed(of):
            yield of[future], future.result()
    except BrokenProcessPool:
        raise UserError(
            "a process that trains was ended by the system, most often for lack of memory. What it did before is kept: "
            "run the same command again, with --workers 1 if it happens again."
        ) from None
    except BaseException:  # a full disk, Ctrl-C: what runs would take minutes to its end
        for process in list(pool._processes.values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


_adapter: Adapter | UserError | None = None
"""Of this process; or why it has none."""


def _start(asked: Asked, results: Path) -> None:
    global _adapter  # noqa: PLW0603 - what a process of a pool has of its own
    end_with_parent()
    torch.set_num_threads(1)
    try:
        _adapter = Adapter(prepare(asked, results).request, adaptations_in(results))
    except UserError as error:  # raised in an initializer it would only say that the pool is broken
        _adapter = error


def _do(training: Training) -> list[AdaptationRecord]:
    if isinstance(_adapter, UserError):
        raise _adapter
    assert _adapter is not None
    return _adapter.records(training)
