"""Decoded images on a disk, for a training split that memory does not hold: a crop reads its own rows alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from bench.data.base import OnDemand, Sample, fits_in_memory
from bench.errors import DiskError
from bench.storage.atomic_files import clear_unfinished, replacing

FOLDER_VARIABLE = "BENCH_DECODED_DIR"
"""A property of the machine, as other caches' folders are: it decides no result."""
_FORMAT = 1
"""Raised when the same files decode to other pixels or labels, or are kept in another form."""
_ROOM_LEFT = 2 * 2**30
"""Bytes that stay free on the disk: what is measured must find room there."""


def readable_fast(
    samples: Sequence[Sample], fingerprint: str, side_by_side: int = 1, at_most: float | None = None
) -> Sequence[Sample]:
    """A training split, which is read many times: in memory where it fits; else from a disk, where the user names one.

    Without a folder in `BENCH_DECODED_DIR` images are decoded anew each time.

    Args:
        fingerprint: of the data set; see `Dataset.fingerprint`.
        side_by_side, at_most: see `fits_in_memory`.
    """
    if fits_in_memory(samples, side_by_side, at_most):
        return list(samples)
    folder = os.environ.get(FOLDER_VARIABLE)
    return Decoded(samples, Path(folder) / f"{fingerprint}-{_FORMAT}") if folder else samples


class Decoded(OnDemand):
    """Samples of which each is decoded once and kept, (H, W, 4) of image and mask, for all processes and runs.

    A sample holds a file open for as long as it lives: take them for a batch, and do not collect them.
    """

    def __init__(self, samples: Sequence[Sample], folder: Path) -> None:
        super().__init__(len(samples), self._one)
        self._samples, self._folder = samples, folder
        clear_unfinished(folder)  # another process that is writing one only decodes it again

    def _one(self, index: int) -> Sample:
        path = self._folder / f"{index}.npy"
        try:
            kept = np.load(path, mmap_mode="r")
            return Sample(kept[..., :3], kept[..., 3])
        except (OSError, ValueError, EOFError, IndexError):  # not there yet, cut off, or no such array
            sample = self._samples[index]
            self._keep(sample, path)
            return sample

    def _keep(self, sample: Sample, path: Path) -> None:
        """Where there is room; a sample that is not kept is decoded again."""
        with suppress(OSError, DiskError):
            self._folder.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(self._folder).free - sample.image.nbytes - sample.mask.nbytes < _ROOM_LEFT:
                return
            with replacing(path) as new, new.open("wb") as file:
                np.save(file, np.dstack([sample.image, sample.mask]))
