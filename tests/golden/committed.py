"""What is committed in results/, read through the project's own reader."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.storage.records import Record
from bench.storage.store import FOLDER, PREFIX, Store, adaptations_in

SWEEPS = ("*", f"{FOLDER}/*")
"""Patterns of the folders of sweeps and of adaptations, below results/."""


def committed_records(results: Path) -> Iterator[tuple[str, Record]]:
    """Every committed record with the name of its sweep, oldest first in each file."""
    files = {(path.parent, path.stem) for path in committed_files(results, *(f"{place}/*.jsonl" for place in SWEEPS))}
    for prefix, store in (("", Store(results)), (PREFIX, adaptations_in(results))):
        for sweep in store.sweeps():
            for record in store.read(sweep):
                if (store.root / sweep, record.machine_id) in files:
                    yield prefix + sweep, record


def committed_files(results: Path, *patterns: str) -> list[Path]:
    """The files of some patterns that git follows, sorted; all of them where git follows none of the folder."""
    found = [path for pattern in patterns for path in sorted(results.glob(pattern))]
    followed = {results / name for name in _followed(results)}
    return [path for path in found if not followed or path in followed]


def store_of(results: Path, sweep: Path) -> Store:
    """The store that holds the folder of a sweep or of an adaptation."""
    return Store(results) if sweep.parent == results else adaptations_in(results)


def _followed(results: Path) -> list[str]:
    if shutil.which("git") is None:
        return []
    command = ["git", "-C", str(results), "ls-files", "-z"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    return [name for name in listed.stdout.split("\0") if name] if listed.returncode == 0 else []
