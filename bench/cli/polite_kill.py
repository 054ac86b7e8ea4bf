"""How a long command ends when it is told to."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.cli.say import say
from bench.errors import ExitCode


@contextmanager
def polite_kill() -> Iterator[None]:
    """SIGTERM and Ctrl-C end the command in words; what ended before is on the disk."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        say("stopped. Every record that ended is kept; the same command goes on from here.")
        sys.exit(ExitCode.INTERRUPTED)
    finally:
        signal.signal(signal.SIGTERM, before)
