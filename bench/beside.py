"""Names for the next content of a file: each of one writer alone."""

from __future__ import annotations

import secrets
from pathlib import Path


def new_beside(path: Path) -> Path:
    """A name beside `path` that no other writer has.

    A node may be lost to its cluster and still write while another goes on with its training. Both then leave whole
    files: of the same training, so that either may stand.
    """
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")


def clear_beside(path: Path) -> None:
    """Take away what writers that were killed left beside `path`."""
    for new in path.parent.glob(f"{path.name}.*.new"):
        new.unlink(missing_ok=True)
