"""How a guard ends: it passes only after it has compared something, and no code that it judges can end it early."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from bench.cli.common.output import say
from bench.errors import ExitCode


@dataclass(frozen=True)
class Outcome:
    """What a guard came to.

    Attributes:
        exit_code: One of `bench.errors.ExitCode`.
        figures: Figures that were compared (or accepted), which the report of the guard has said.
    """

    exit_code: int
    figures: int

    def end(self) -> NoReturn:
        """End the process; a guard that compared no figure does not pass."""
        passes = self.exit_code == ExitCode.FINE and self.figures > 0
        sys.exit(ExitCode.FINE if passes else self.exit_code or ExitCode.NOTHING_MEASURED)


@contextmanager
def foreign_exits_fail() -> Iterator[None]:
    """Make the guard fail where code that it loads or measures calls `sys.exit(0)`."""
    try:
        yield
    except SystemExit as error:
        if error.code:
            raise
        last = traceback.extract_tb(error.__traceback__)[-1]
        say(
            f"bench: {last.filename}:{last.lineno} ended the guard with sys.exit({error.code!r}), so nothing was "
            "judged. Mend that code, or uninstall its package."
        )
        sys.exit(ExitCode.CHECK_FAILED)
