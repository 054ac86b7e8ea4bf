"""Cityscapes as it is given out: `leftImg8bit/<split>/<city>/…png`, `gtFine/<split>/<city>/…_labelIds.png`.

The labels of the official test split are not public. So the official val is what is tested on, as in the papers, and
whole cities of the official train are held out to validate on: no choice is made on what is tested.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path

from bench.data.base import DataError
from bench.data.files import FileDataset, Listing, Pair, images_below, require_folders
from bench.data.labels import Indices
from bench.data.splits import Split

CLASSES = (
    "road",
    "sidewalk",
    "building",
    "wall",
    "fence",
    "pole",
    "traffic light",
    "traffic sign",
    "vegetation",
    "terrain",
    "sky",
    "person",
    "rider",
    "car",
    "truck",
    "bus",
    "train",
    "motorcycle",
    "bicycle",
)
"""The 19 train ids in their order (cityscapesScripts, labels.py)."""
CLASS_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
"""Of the classes, in the same order; of the same source."""
_ALL_IDS = (*range(34), 255)
"""255 is the licence plate, -1 in the source."""
TRAIN_IDS = Indices({index: index for index in range(len(CLASSES))}, void=[255])
LABEL_IDS = Indices(
    {label: index for index, label in enumerate(CLASS_IDS)}, void=[i for i in _ALL_IDS if i not in CLASS_IDS]
)
VAL_CITIES = ("jena", "krefeld", "ulm")
_IMAGE, _MASKS = "_leftImg8bit", (("_gtFine_labelIds", LABEL_IDS), ("_gtFine_labelTrainIds", TRAIN_IDS))


def open_cityscapes(root: Path, val_cities: Sequence[str] | str = VAL_CITIES) -> FileDataset:
    """The data set below `root`, not read yet; `val_cities`: of the official train, held out to validate on.

    Raises:
        DataError: no city is named.
    """
    cities = [val_cities] if isinstance(val_cities, str) else val_cities
    if not isinstance(cities, list | tuple) or not cities or not all(isinstance(city, str) for city in cities):
        raise DataError(
            f"cityscapes: option val_cities is {val_cities!r}; it takes names of cities of train/, such as "
            f"{', '.join(VAL_CITIES)}",
            "val_cities",
        )
    return FileDataset("cityscapes", root, CLASSES, lambda: _find(root, tuple(cities)))


def _find(root: Path, val_cities: tuple[str, ...]) -> Listing:
    require_folders(root, "cityscapes", ["leftImg8bit", "gtFine"])
    note = f"test: the official val, whose labels are public; val: {', '.join(val_cities)} of the official train"
    listing = Listing({"train": [], "val": [], "test": []}, note=note)
    for official in ("train", "val"):
        if not (root / "leftImg8bit" / official).is_dir():
            listing.problems.append(f"{root} has no folder leftImg8bit/{official}/")
            continue
        for pair in _pairs(root, official, listing.problems):
            listing.pairs[_split(official, pair, val_cities)].append(pair)
    cities = {pair.image.parent.name for split in ("train", "val") for pair in listing.pairs[split]}
    listing.problems.extend(
        f"{root / 'leftImg8bit' / 'train'} has no city {city} to validate on; it has {', '.join(sorted(cities))}: "
        "name some of them in the option val_cities"
        for city in val_cities
        if cities and city not in cities
    )
    return listing


def _without_image(root: Path, official: str, frames: Set[str]) -> list[str]:
    """Masks of a split whose images are missing, as where an archive was unpacked in part."""
    masks: dict[str, Path] = {}
    for ending, _ in _MASKS:
        for path in sorted((root / "gtFine" / official).rglob(f"*{ending}.png")):
            frame = path.relative_to(root / "gtFine").as_posix().removesuffix(f"{ending}.png")
            masks.setdefault(frame, path)
    return [f"{path} has no image in leftImg8bit/" for frame, path in sorted(masks.items()) if frame not in frames]


def _split(official: str, pair: Pair, val_cities: tuple[str, ...]) -> Split:
    if official == "val":
        return "test"
    return "val" if pair.image.parent.name in val_cities else "train"


def _pairs(root: Path, official: str, problems: list[str]) -> list[Pair]:
    """Images of an official split with their masks: labelIds, or else labelTrainIds, which mean the same."""
    images, twice = images_below(root / "leftImg8bit" / official, root / "leftImg8bit")
    problems += twice
    problems += _without_image(root, official, {name.removesuffix(_IMAGE) for name in images})
    found = []
    for name, image in images.items():
        frame = name.removesuffix(_IMAGE)
        masks = [(root / "gtFine" / f"{frame}{ending}.png", coding) for ending, coding in _MASKS]
        there = [(path, coding) for path, coding in masks if path.is_file()]
        if there:
            mask, coding = there[0]
            found.append(Pair(name=frame, image=image, mask=mask, coding=coding))
        else:
            problems.append(f"{image} has neither {masks[0][0].name} nor {masks[1][0].name} in {masks[0][0].parent}")
    return found
