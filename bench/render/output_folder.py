"""Where pages and figures go, in words where they cannot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from bench.errors import UserError


@contextmanager
def report_folder(folder: Path) -> Iterator[None]:
    """Make the folder, for what the block writes into it.

    Raises:
        UserError: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror}. Pass --reports FOLDER.") from None


def require_writable(folder: Path) -> None:
    """Refuse before hours of measuring what a report after them could not be written into.

    Raises:
        UserError: as `report_folder`.
    """
    with report_folder(folder), TemporaryFile(dir=folder):
        pass
