"""The body of a worker process: one cell, told to the parent through a pipe."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
import warnings
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from bench.accuracy.huge_pages import use_huge_pages
from bench.errors import DiskError, describe_failure, is_disk_full, is_for_users, is_out_of_memory
from bench.settings.accuracy import AccuracySetting
from bench.sweep.cells import Cell, Sources
from bench.system.fork_server import end_with_parent

MORE_MEMORY = (
    "What to do: leave it out of the space, or give it more memory by fewer --workers, fewer --gpu-trainings or "
    "another machine; then --retry-failed measures it again"
)
_REPORT_EVERY_S = 0.3
_ORDINARY_CHATTER = (FutureWarning, DeprecationWarning, UserWarning)


def work(cell: Cell, sources: Sources, pipe: Connection, log: Path) -> None:
    """Measure `cell` and send ("progress", (share, words)), then ("done", Measurement), ("failed", reason) or,
    where the disk cannot keep it, ("disk", words).

    What libraries print goes to `log`. The process ends when its parent does, also by a kill.
    """
    become_worker(log)
    try:
        from bench.sweep.measure import measure

        if (
            isinstance(cell.setting, AccuracySetting) and cell.setting.device == "cpu"
        ):  # a latency is of a process as users have it
            use_huge_pages()
        measurement = measure(cell, sources, _Reporter(pipe))
        pipe.send(("done", measurement))
    except BaseException as error:  # whatever happens to a variant becomes its record
        if not is_for_users(error):
            with suppress(OSError):  # the log's own disk may be full
                traceback.print_exc()
        pipe.send(_verdict(error))


def become_worker(log: Path) -> None:
    """Leave interrupts to the parent, end when it does, and write what libraries print to `log`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    with log.open("w") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    for category in _ORDINARY_CHATTER:
        warnings.simplefilter("ignore", category)


def _verdict(error: BaseException) -> tuple[str, str]:
    if isinstance(error, DiskError):
        return "disk", str(error)
    if is_disk_full(error):
        return "disk", f"{error}. The records are kept; make room, and run the same command to go on."
    if is_out_of_memory(error):
        return "failed", f"memory ran out: {describe_failure(error)}. {MORE_MEMORY}"
    return "failed", describe_failure(error)


class _Reporter:
    """Tells the share that is done, a few times a second at most."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe
        self.last = 0.0

    def __call__(self, share: float, words: str) -> None:
        now = time.monotonic()
        if now - self.last >= _REPORT_EVERY_S:
            self.last = now
            self.pipe.send(("progress", (share, words)))
