"""results/<sweep>/predictions/: class maps that trained networks gave of a few images, and those images, small.

For the cards of the page. They hold pictures of the data set, whose terms may forbid to pass them on: git leaves them
out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from bench.storage.atomic_files import replacing

_FOLDER = "predictions"
Pictures = list[NDArray[np.uint8]]


@dataclass(frozen=True)
class Predictions:
    """What the trainings of a sweep left. results: the folder of all sweeps."""

    results: Path
    sweep: str

    def save(self, key: str, maps: Sequence[NDArray[np.uint8]]) -> None:
        """Keep the class maps of a training, whole or not at all.

        Raises:
            DiskError: the disk is full or the folder cannot be written.
        """
        self._write(key, {"map": maps})

    def save_images(self, data: str, images: Pictures, masks: Pictures) -> None:
        """Keep the images and their masks, once for a data set's fingerprint.

        Raises:
            DiskError: as `save`.
        """
        if not self._path(data).is_file():
            self._write(data, {"image": images, "mask": masks})

    def load(self, key: str) -> Pictures:
        """The class maps of a training of this or another sweep; none where there are none."""
        return self._read(key, "map")

    def load_images(self, data: str) -> tuple[Pictures, Pictures]:
        """Images and masks of a data set's fingerprint; none where there are none."""
        return self._read(data, "image"), self._read(data, "mask")

    def _write(self, name: str, kinds: Mapping[str, Sequence[NDArray[np.uint8]]]) -> None:
        packed = BytesIO()
        arrays = {f"{kind}{at}": picture for kind, some in kinds.items() for at, picture in enumerate(some)}
        np.savez_compressed(packed, allow_pickle=False, **arrays)
        with replacing(self._path(name)) as new:
            new.write_bytes(packed.getbuffer())

    def _read(self, name: str, kind: str) -> Pictures:
        own = self._path(name)
        found = [own] if own.is_file() else sorted(self.results.glob(f"*/{_FOLDER}/{own.name}"))
        if not found:
            return []
        try:
            with found[0].open("rb") as file, np.load(file, allow_pickle=False) as stored:
                return [stored[f"{kind}{at}"] for at in range(sum(key.startswith(kind) for key in stored.files))]
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return []  # pictures for the eye alone: a page without them is whole

    def _path(self, name: str) -> Path:
        return self.results / self.sweep / _FOLDER / f"{name}.npz"
