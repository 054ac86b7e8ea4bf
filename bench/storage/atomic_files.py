"""Files that are whole after a kill or on a full disk: the one before or the new one."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.errors import DiskError


def new_beside(path: Path) -> Path:
    """Where the next content of `path` is written, by a name that no other writer has; a kill may leave it behind.

    A node may be lost to its cluster and still write while another goes on with its training. Both then leave whole
    files: of the same training, so that either may stand.
    """
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")


def clear_beside(path: Path) -> None:
    """Take away what writers that were killed left beside `path`."""
    for new in path.parent.glob(f"{path.name}.*.new"):
        new.unlink(missing_ok=True)


def clear_unfinished(folder: Path) -> None:
    """Take away what writers that were killed left in a folder."""
    for new in folder.glob("*.new"):
        new.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a file to write, which takes the place of `path`, durably, when the block has ended.

    Raises:
        DiskError: the disk is full or the folder cannot be written; what stood at `path` is whole, and the room
            that the new file took is free again.
    """
    new = new_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield new
        with new.open("rb") as file:
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException as error:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise cannot_write(path, error.strerror or str(error)) from None
        raise


def cannot_write(path: Path, why: str) -> DiskError:
    """The error of a file that cannot be kept."""
    return DiskError(
        f"cannot write {path}: {why}. The records before it are kept; make room "
        "or pass --results FOLDER, and run the same command to go on."
    )


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for a run, which goes when the block ends.

    Raises:
        DiskError: there is none that can be written.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="bench-")
    except OSError as error:
        raise DiskError(
            f"no folder for temporary files: {error.strerror}. The records are kept; make room or set TMPDIR to a "
            "folder with room, and run the same command to go on."
        ) from None
    with folder as name:
        yield Path(name)
