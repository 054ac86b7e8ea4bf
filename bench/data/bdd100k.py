"""BDD100K's semantic segmentation: `images/10k/<split>/…jpg`, `labels/sem_seg/masks/<split>/…png` of 19 train ids.

The labels of the official test split are not public. So the official val is what is tested on, and a share of the
official train, chosen by a seed, is validated on. Images whose names begin with the same part may be of one ride and
stay together.
"""

from __future__ import annotations

from pathlib import Path

from bench.data.base import DataError
from bench.data.cityscapes import CLASSES, TRAIN_IDS
from bench.data.files import FileDataset, Listing, Pair, images_below, require_folders
from bench.data.splitting import held_out

_IMAGES, _MASKS = "images/10k", "labels/sem_seg/masks"


def open_bdd100k(root: Path, val_share: float = 0.1, seed: int = 0) -> FileDataset:
    """The data set below `root`, not read yet; `val_share` of the official train is held out to validate on.

    Raises:
        DataError: an option does not fit.
    """
    if not isinstance(val_share, int | float) or not 0 < val_share < 1:
        raise DataError(f"bdd100k: option val_share is {val_share!r}; it takes a share between 0 and 1", "val_share")
    return FileDataset("bdd100k", root, CLASSES, lambda: _find(root, val_share, seed))


def _find(root: Path, val_share: float, seed: int) -> Listing:
    folders = [f"{kind}/{split}" for split in ("train", "val") for kind in (_IMAGES, _MASKS)]
    require_folders(root, "bdd100k", folders)
    problems: list[str] = []
    train, test = (_pairs(root, split, problems) for split in ("train", "val"))
    held = held_out([pair.name for pair in train], val_share, seed, lambda name: name.partition("-")[0])
    note = f"test: the official val, whose labels are public; val: {val_share:.0%} of the official train by seed {seed}"
    return Listing(
        {
            "train": [pair for pair in train if pair.name not in held],
            "val": [pair for pair in train if pair.name in held],
            "test": test,
        },
        problems,
        note,
    )


def _pairs(root: Path, official: str, problems: list[str]) -> list[Pair]:
    images, twice = images_below(root / _IMAGES / official)
    masks, mask_twice = images_below(root / _MASKS / official)
    problems += twice + mask_twice
    problems += [
        f"{path} has no mask in {root / _MASKS / official}" for name, path in images.items() if name not in masks
    ]
    problems += [f"{path} has no image in {root / _IMAGES / official}" for n, path in masks.items() if n not in images]
    return [
        Pair(name=name, image=path, mask=masks[name], coding=TRAIN_IDS)
        for name, path in images.items()
        if name in masks
    ]
