"""One process with a time limit: what it printed, how it ended, and nothing of it left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from bench.gpu_records.needs import child_environment

_GRACE_S = 15.0
"""For a process that was told to end: a sweep lets go of its workers and keeps its records."""
OnLine = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a process ended.

    Attributes:
        code: its exit code, below 0 where a signal ended it.
        output: all of its stdout.
        last_line: of its stderr; "" where it said nothing.
        timed_out: it was ended since its time was up.
        seconds: that it took.
    """

    code: int
    output: str
    last_line: str
    timed_out: bool
    seconds: float


def run_limited(command: Sequence[str], folder: Path, limit_s: float, on_line: OnLine) -> Ended:
    """Run a command to its end, or for `limit_s` seconds.

    The project is importable in it, whatever its folder. However this function ends, the process and its children end
    before it does.

    Args:
        command: program and arguments.
        folder: its current folder.
        limit_s: seconds, after which it gets SIGTERM, and SIGKILL where that does not end it.
        on_line: is given each line of its stderr, from another thread.
    """
    start, environment = time.monotonic(), child_environment() | {"PYTHONUNBUFFERED": "1", "COLUMNS": "120"}
    with TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        lines: list[str] = []
        reader = threading.Thread(target=_read, args=(process, lines, on_line), daemon=True)
        reader.start()
        timed_out = False
        try:
            process.wait(timeout=limit_s)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            _end(process)
        reader.join(timeout=_GRACE_S)
        output.seek(0)
        last = next((line for line in reversed(lines) if line.strip()), "").strip()
        return Ended(
            code=process.returncode,
            output=output.read(),
            last_line=last,
            timed_out=timed_out,
            seconds=time.monotonic() - start,
        )


def _read(process: subprocess.Popen[str], lines: list[str], on_line: OnLine) -> None:
    assert process.stderr is not None
    with process.stderr:
        for line in process.stderr:
            lines.append(line.rstrip("\n"))
            on_line(lines[-1])


def _end(process: subprocess.Popen[str]) -> None:
    """End it where it still runs, politely first; then whatever it left running, which would keep the GPU busy."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_GRACE_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def bench_command(*arguments: str) -> list[str]:
    """Return the command line of this checkout's `bench`."""
    return [sys.executable, "-m", "bench", *arguments]
