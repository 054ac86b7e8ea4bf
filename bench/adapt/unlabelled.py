"""Images without labels: those of the training split whose masks are not used, and `unlabelled/` below the root."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.adapt.images import UNLABELLED, Images, unlabelled_images
from bench.data.base import Dataset
from bench.data.splits import Split
from bench.errors import UserError

_JUDGED: tuple[Split, ...] = ("val", "test")
_SHOWN = 5


def read_unlabelled(root: Path | None, dataset: Dataset) -> Images:
    """The images of `unlabelled/`, in the order of their names; none where there is no such folder.

    Raises:
        UserError: an image cannot be read, or its pixels are those of an image that judges, which would be a leak.
    """
    images = unlabelled_images(root)
    _refuse_leaks(images, dataset)
    return images


def _refuse_leaks(images: Images, dataset: Dataset) -> None:
    """By pixels: a copy under another name or in another format without loss is found too."""
    if not len(images):
        return
    judged = {_digest(sample.image): split for split in _JUDGED for sample in dataset.load(split)}
    digests = (_digest(image) for image in images)
    leaks = [f"{name} ({judged[of]})" for name, of in zip(images.names, digests, strict=True) if of in judged]
    if leaks:
        more = f" and {len(leaks) - _SHOWN} more" if len(leaks) > _SHOWN else ""
        raise UserError(
            f"{', '.join(leaks[:_SHOWN])}{more}: the same pixels are in a split that judges. A network that has seen "
            f"them cannot be tested on them: take them out of {UNLABELLED}/."
        )


def _digest(image: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes()).digest()
