"""Images of a domain without their labels: the training split, and what lies in `unlabelled/`; never val or test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, overload

import numpy as np
import psutil
from numpy.typing import NDArray

from bench.data import DATASETS, Dataset, Split, open_dataset
from bench.data.decode import read_image
from bench.data.files import FileDataset, images_below
from bench.data.own_folder import CLASSES_FILE
from bench.errors import UserError

UNLABELLED = "unlabelled"
"""Folder below a data set's root."""
_SPLIT: Split = "train"
_SHARE_OF_MEMORY = 4
Picture = NDArray[np.uint8]
FEWEST = 8
"""Images of a side: of fewer no spread can be told."""


class Images(Sequence[Picture]):
    """Named images (H, W, 3), each read when it is asked for."""

    def __init__(self, reads: Sequence[tuple[str, Callable[[], Picture]]]) -> None:
        self.names = tuple(name for name, _ in reads)
        self._reads = reads

    def __len__(self) -> int:
        return len(self._reads)

    @overload
    def __getitem__(self, index: int) -> Picture: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Picture]: ...

    def __getitem__(self, index: int | slice) -> Picture | Sequence[Picture]:
        if isinstance(index, int):
            return self._reads[index][1]()
        return Images(self._reads[index])

    def at_most(self, count: int) -> Images:
        """So many of them, evenly spaced; all where there are no more."""
        if len(self) <= count:
            return self
        return Images([self._reads[i * len(self) // count] for i in range(count)])

    def kept(self) -> Images:
        """Read once and for all where they take no more than a quarter of the free memory; else as they are."""
        if len(self) * self[0].nbytes > psutil.virtual_memory().available / _SHARE_OF_MEMORY:
            return self
        return Images([(name, partial(_same, read())) for name, read in self._reads])


def domain_images(name: str, root: Path | None, options: dict[str, Any], unlabelled: bool) -> Images:
    """Images of the training split of a data set, in its order.

    Args:
        unlabelled: also those below `<root>/unlabelled/`; of a `folder` without classes.yaml, these alone.

    Raises:
        UserError: the data set cannot be opened, or has fewer than 8 images for this.
    """
    extra = _unlabelled(root if unlabelled else None)
    labelled = [] if extra and _has_no_labels(name, root) else _training_images(open_dataset(name, root, options))
    found = Images([*labelled, *extra])
    if len(found) < FEWEST:
        more = f" and {root / UNLABELLED}/" if unlabelled and root is not None else ""
        raise UserError(
            f"data set {name!r} has {len(found)} images in its training split{more}; it takes {FEWEST} to tell a "
            "shift from chance. Images without labels will do."
        )
    return found


def _training_images(dataset: Dataset) -> list[tuple[str, Callable[[], Picture]]]:
    if isinstance(dataset, FileDataset):
        return [(pair.name, partial(read_image, pair.image)) for pair in dataset.listing.pairs[_SPLIT]]
    dataset.check()
    samples = dataset.load(_SPLIT)
    return [(f"{_SPLIT} {i}", lambda i=i: samples[i].image) for i in range(len(samples))]  # type: ignore[misc]


def unlabelled_images(root: Path | None) -> Images:
    """Those of `<root>/unlabelled/`; none where there is no such folder.

    Raises:
        UserError: two of them have one name.
    """
    return Images(_unlabelled(root))


def _unlabelled(root: Path | None) -> list[tuple[str, Callable[[], Picture]]]:
    folder = root / UNLABELLED if root else None
    if folder is None or not folder.is_dir():
        return []
    files, twice = images_below(folder, folder.parent)
    if twice:
        raise UserError(f"{twice[0]}. Rename one of them.")
    return [(name, partial(read_image, path)) for name, path in files.items()]


def _has_no_labels(name: str, root: Path | None) -> bool:
    return name == "folder" and root is not None and not (root / CLASSES_FILE).exists()


def _same(picture: Picture) -> Picture:
    return picture


def dataset_label(name: str, root: Path | None) -> str:
    """A short name for people and folders: that of the root, or of the data set where it needs none."""
    named = name in DATASETS and DATASETS[name].root_holds and root is not None
    return root.resolve().name if named and root is not None else name
