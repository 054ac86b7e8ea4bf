"""The body of a worker process: one cell, told to the parent through a pipe."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
import warnings
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path

from bench.errors import describe_failure
from bench.sweep.cells import Cell, Sources

_LOST_PARENT = 3
_REPORT_EVERY_S = 0.3
_ORDINARY_CHATTER = (FutureWarning, DeprecationWarning, UserWarning)


def work(cell: Cell, sources: Sources, pipe: Connection, log: Path) -> None:
    """Measure `cell` and send ("progress", (share, words)), then ("done", Measurement) or ("failed", reason).

    What libraries print goes to `log`. The process ends when its parent does, also by a kill.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops its workers itself
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with log.open("w") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    for category in _ORDINARY_CHATTER:
        warnings.simplefilter("ignore", category)
    try:
        from bench.sweep.measure import measure

        measurement = measure(cell, sources, _Reporter(pipe))
        pipe.send(("done", measurement))
    except BaseException as error:  # whatever happens to a variant becomes its record
        traceback.print_exc()
        pipe.send(("failed", describe_failure(error)))


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


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(_LOST_PARENT)
