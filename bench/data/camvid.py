"""CamVid as SegNet's authors give it: `<split>/<name>.png`, `<split>annot/<name>.png`, 11 classes and void."""

from __future__ import annotations

from pathlib import Path

from bench.data.files import FileDataset, Listing, Pair, images_below, require_folders
from bench.data.labels import Indices
from bench.data.splits import SPLITS, Split

CLASSES = (
    "sky",
    "building",
    "pole",
    "road",
    "pavement",
    "tree",
    "sign symbol",
    "fence",
    "car",
    "pedestrian",
    "bicyclist",
)
"""In label order; 11 is void."""
_CODING = Indices({index: index for index in range(len(CLASSES))}, void=[len(CLASSES)])


def open_camvid(root: Path) -> FileDataset:
    """The data set below `root`, not read yet."""
    return FileDataset("camvid", root, CLASSES, lambda: _find(root))


def _find(root: Path) -> Listing:
    require_folders(root, "camvid", [folder for split in SPLITS for folder in (split, f"{split}annot")])
    listing = Listing({})
    for split in SPLITS:
        listing.pairs[split], problems = _pairs(root, split)
        listing.problems.extend(problems)
    return listing


def _pairs(root: Path, split: Split) -> tuple[list[Pair], list[str]]:
    """The samples of a split, and what keeps files from being one."""
    images, problems = images_below(root / split)
    masks, twice = images_below(root / f"{split}annot")
    problems += twice
    problems += [f"{path} has no mask in {split}annot/" for name, path in images.items() if name not in masks]
    problems += [f"{path} has no image in {split}/" for name, path in masks.items() if name not in images]
    return [
        Pair(name=name, image=path, mask=masks[name], coding=_CODING) for name, path in images.items() if name in masks
    ], problems
