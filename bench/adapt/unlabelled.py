"""Images without labels: those of the training split whose masks are not used, and `unlabelled/` below the root."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.accuracy.datasets.base import Dataset
from bench.accuracy.datasets.decode import read_image
from bench.accuracy.datasets.files import images_below
from bench.accuracy.datasets.splits import Split
from bench.errors import UserError

FOLDER = "unlabelled"
_JUDGED: tuple[Split, ...] = ("val", "test")
_SHOWN = 5


def read_unlabelled(root: Path | None, dataset: Dataset) -> list[NDArray[np.uint8]]:
    """The images of `unlabelled/`, in the order of their names; none where there is no such folder.

    Raises:
        UserError: an image cannot be read, or its pixels are those of an image that judges, which would be a leak.
    """
    folder = root / FOLDER if root else None
    if folder is None or not folder.is_dir():
        return []
    files, twice = images_below(folder, folder)
    if twice:
        raise UserError(f"{twice[0]}. Rename one of them.")
    images = {path: read_image(path) for path in files.values()}
    _refuse_leaks(images, dataset)
    return list(images.values())


def _refuse_leaks(images: dict[Path, NDArray[np.uint8]], dataset: Dataset) -> None:
    """By pixels: a copy under another name or in another format without loss is found too."""
    judged = {_digest(sample.image): split for split in _JUDGED for sample in dataset.load(split)}
    leaks = [f"{path} ({judged[digest]})" for path, image in images.items() if (digest := _digest(image)) in judged]
    if leaks:
        more = f" and {len(leaks) - _SHOWN} more" if len(leaks) > _SHOWN else ""
        raise UserError(
            f"{', '.join(leaks[:_SHOWN])}{more}: the same pixels are in a split that judges. A network that has seen "
            f"them cannot be tested on them: take them out of {FOLDER}/."
        )


def _digest(image: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes()).digest()
