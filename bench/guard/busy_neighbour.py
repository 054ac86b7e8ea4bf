"""A busy neighbour: another process that keeps one core at work, to try a guard beside."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_WORK = """
import os, time
block = bytearray(32 << 20)
parent = os.getppid()
while os.getppid() == parent:
    end = time.monotonic() + 0.05
    while time.monotonic() < end:
        bytes(block)
    end = time.monotonic() + 0.05
    while time.monotonic() < end:
        sum(range(1000))
"""
"""In turns it fills the memory's bandwidth and computes; it ends with its parent."""


@contextmanager
def busy_neighbour() -> Iterator[None]:
    """Run it on the last core that this process may use, where the system can bind processes."""
    process = subprocess.Popen([sys.executable, "-c", _WORK])
    try:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
        yield
    finally:
        process.kill()
        process.wait()
