"""Run cells in processes of their own, some at a time, and tell what happens to them."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from bench.errors import DiskError
from bench.storage.atomic_files import scratch_folder
from bench.sweep.cells import Cell, Measurement, Sources
from bench.sweep.worker import MORE_MEMORY, work
from bench.system.fork_server import worker_context
from bench.system.machine import Origin
from variants.fingerprint import source_modules
from variants.spec import VariantSpec

_TICK_S = 0.5
_LOG_LINES = 20


@dataclass(frozen=True)
class Progress:
    """A cell that runs: the share of its work that is done, and what there is to say."""

    cell: Cell
    share: float
    words: str


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A cell that ended, with its measurement or with the reason why there is none."""

    cell: Cell
    started: str
    seconds: float
    measurement: Measurement | None = None
    reason: str | None = None
    log: list[str] = field(default_factory=list)
    """The last lines that the process printed."""
    origin: Origin | None = None
    """Where it was measured; None is this machine."""


@dataclass(kw_only=True)
class _Job:
    cell: Cell
    process: BaseProcess
    pipe: Connection
    log: Path
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    since: float = field(default_factory=time.monotonic)

    def finish(self, measurement: Measurement | None = None, reason: str | None = None) -> Finished:
        if self.process.is_alive() and reason is not None:
            self.process.kill()
        self.process.join()
        self.pipe.close()
        seconds = time.monotonic() - self.since
        return Finished(
            cell=self.cell,
            started=self.started,
            seconds=seconds,
            measurement=measurement,
            reason=reason,
            log=_tail(self.log),
        )


def run_cells(cells: Iterable[Cell], sources: Sources, workers: int, timeout_s: float) -> Iterator[Progress | Finished]:
    """Run `cells` in order, at most `workers` at a time.

    A cell that raises, is killed or exceeds `timeout_s` ends as `Finished` with a reason; the
    others go on. When the caller stops iterating, the processes that still run are ended.

    Raises:
        DiskError: a disk is full, which is no cell's fault; the processes that still run are ended.
    """
    cells = list(cells)
    context = worker_context(*code_that_measures(cell.spec for cell in cells))
    waiting = iter(cells)
    jobs: list[_Job] = []
    with scratch_folder() as folder:
        try:
            while True:
                while len(jobs) < workers and (cell := next(waiting, None)) is not None:
                    with interrupts_held_back():  # a worker that is half started would complain with a traceback
                        jobs.append(_start(context, cell, sources, folder))
                if not jobs:
                    return
                yield from _listen(jobs, timeout_s)
        finally:
            for job in jobs:
                job.process.kill()
                job.process.join()


def code_that_measures(specs: Iterable[VariantSpec]) -> list[str]:
    """The modules that a worker needs. Loaded in the server, editing a file while a sweep runs changes none of them."""
    return ["bench.sweep.measure", *sorted({module for spec in specs for module in source_modules(spec)})]


def _start(context: ForkServerContext | SpawnContext, cell: Cell, sources: Sources, folder: Path) -> _Job:
    receiver, sender = context.Pipe(duplex=False)
    log = folder / f"{cell.key}.log"
    process = context.Process(target=work, args=(cell, sources, sender, log))
    process.start()
    sender.close()
    return _Job(cell=cell, process=process, pipe=receiver, log=log)


def _listen(jobs: list[_Job], timeout_s: float) -> Iterator[Progress | Finished]:
    """Wait for the next messages; jobs that end leave the list."""
    ready = wait([job.pipe for job in jobs], timeout=_TICK_S)
    for job in list(jobs):
        event = _hear(job) if job.pipe in ready else None
        if not isinstance(event, Finished) and time.monotonic() - job.since > timeout_s:
            event = job.finish(reason=f"time-out: not done after {timeout_s:g} s")
        if isinstance(event, Finished):
            jobs.remove(job)
        if event is not None:
            yield event


def _hear(job: _Job) -> Progress | Finished | None:
    try:
        kind, value = job.pipe.recv()
    except (EOFError, OSError):
        job.process.join()
        return job.finish(reason=_exit_words(job.process.exitcode))
    if kind == "progress":
        return Progress(job.cell, *value)
    if kind == "disk":
        raise DiskError(value)
    return job.finish(measurement=value) if kind == "done" else job.finish(reason=value)


def _exit_words(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        hint = f" (the system does that when memory runs out). {MORE_MEMORY}" if name == "SIGKILL" else ""
        return f"the process was ended by {name}{hint}"
    return f"the process ended with exit code {code} and said nothing"


def _tail(log: Path) -> list[str]:
    """The last lines of a worker's log; none where it did not start to write.

    Files of code stand there by their place in their package: records are shown to others, whom the folders of this
    machine do not concern.
    """
    if not log.is_file():
        return []
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
    for folder in _code_folders():
        lines = [line.replace(folder + os.sep, "") for line in lines]
    return lines


def _code_folders() -> list[str]:
    """Where packages are imported from, those inside others first."""
    project = Path(__file__).resolve().parents[2]
    folders = {str(project), *(str(Path(entry).resolve()) for entry in sys.path if entry)}
    return sorted(folders, key=len, reverse=True)


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """What arrives meanwhile is handled at the end, as it would have been.

    By handlers and not by a signal mask: a process that starts meanwhile would inherit the mask.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is interrupted
        return
    arrived: list[int] = []
    held = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda number, frame: arrived.append(number)) for number in held}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in dict.fromkeys(arrived):
            signal.raise_signal(late)
