"""How a long command ends when it is told to."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.cli.common.output import say
from bench.errors import ExitCode

_KEPT = "stopped. Every record that ended is kept; the same command goes on from here."


@contextmanager
def polite_kill(words: str = _KEPT) -> Iterator[None]:
    """SIGTERM and Ctrl-C end the command in words, and with what it has opened closed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        say(words)
        sys.exit(ExitCode.INTERRUPTED)
    finally:
        signal.signal(signal.SIGTERM, before)
