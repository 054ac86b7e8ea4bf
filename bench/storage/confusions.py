"""results/<sweep>/confusions/<key>.npz: the confusion matrix of every image of a split, by the key of its accuracy.

Beside the records, which every report reads: intervals and comparisons of two variants read these where they need them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from bench.errors import UserError
from bench.storage.atomic_files import replacing

FOLDER = "confusions"
"""In that of a sweep."""
Matrices = NDArray[np.int64]
_KEPT = 64
"""Splits whose matrices stay in memory: a report compares each variant with several."""


@dataclass(frozen=True)
class Confusions:
    """The matrices that the trainings of a sweep left. results: the folder of all sweeps."""

    results: Path
    sweep: str

    def save(self, key: str, of_splits: Mapping[str, Matrices]) -> None:
        """Keep (images, classes, classes) of each split, whole or not at all.

        Raises:
            DiskError: the disk is full or the folder cannot be written.
        """
        packed = BytesIO()
        np.savez_compressed(packed, allow_pickle=False, **{name: _smallest(of) for name, of in of_splits.items()})
        with replacing(self._path(key)) as new:
            new.write_bytes(packed.getbuffer())

    def load(self, key: str, split: str) -> Matrices | None:
        """(images, classes, classes) of a split; None where no training of that key left one, in any sweep.

        Raises:
            UserError: the file is broken.
        """
        path = self.find(key)
        return None if path is None else _read(path, split, _changed_ns(path))

    def count(self, key: str, split: str) -> int:
        """Images of a split by the matrices of a training; 0 where it left none.

        Raises:
            UserError: the file is broken.
        """
        matrices = self.load(key, split)
        return 0 if matrices is None else len(matrices)

    def find(self, key: str) -> Path | None:
        """The file that a training of that key left: here, or else in another sweep; None: there is none."""
        own = self._path(key)
        if own.is_file():
            return own
        return min(self.results.glob(f"*/{FOLDER}/{own.name}"), default=None)

    def _path(self, key: str) -> Path:
        return self.results / self.sweep / FOLDER / f"{key}.npz"


def _changed_ns(path: Path) -> int:
    """When the file was written last; 0 where it has gone meanwhile, which reading it says."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=_KEPT)
def _read(path: Path, split: str, changed_ns: int) -> Matrices:
    """Read one split of a file; what was read last is kept, until the file changes. Not to be written to."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as packed:
            matrices = np.asarray(packed[split], np.int64)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise UserError(
            f"{path} is broken ({error}). Delete it; then `bench sweep` with --retry-doubtful trains that variant "
            "again."
        ) from None
    matrices.flags.writeable = False
    return matrices


def _smallest(matrices: Matrices) -> NDArray[np.unsignedinteger]:
    """Of a type that holds the largest count: half of the file and more."""
    return matrices.astype(np.min_scalar_type(int(matrices.max(initial=0))))
