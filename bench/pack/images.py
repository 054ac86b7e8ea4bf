"""The draws over images of every training of a sweep, made once: what a pick would make of its matrices each time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.analysis.resampling import SPLIT, draws_of_images
from bench.pack.manifest import PACK, PackedImages, images_stamp
from bench.stats.bootstrap import miou_draws
from bench.stats.interval import RESAMPLES
from bench.storage.atomic_files import replacing
from bench.storage.confusions import Confusions

_COLUMNS = pa.schema(
    {"sweep": pa.string(), "key": pa.string(), "row": pa.int64(), "low": pa.float64(), "high": pa.float64()}
)
"""row: of the training in the file of draws. low, high: ends of its draws, 0 to 1."""


def pack_images(results: Path, sweep: str, folder: Path, on_training: Callable[[], None]) -> PackedImages:
    """Draw the mIoU of every training in a folder of matrices: (trainings, resamples) float64 in a .npy file.

    Raises:
        UserError: a file of matrices is broken.
        DiskError: the disk is full or the pack cannot be written.
    """
    stamp = images_stamp(folder)
    keys = sorted(path.stem for path in folder.glob("*.npz"))
    draws, table = (f"images/{sweep}-{stamp}.{kind}" for kind in ("npy", "parquet"))
    low, high = np.empty(len(keys)), np.empty(len(keys))
    with replacing(results / PACK / draws) as new:
        drawn = np.lib.format.open_memmap(new, mode="w+", dtype=np.float64, shape=(len(keys), RESAMPLES))
        for row, key in enumerate(keys):
            drawn[row] = _drawn(Confusions(results, sweep), key)
            low[row], high[row] = drawn[row].min(), drawn[row].max()
            on_training()
        drawn.flush()
    with replacing(results / PACK / table) as new:
        columns = [[sweep] * len(keys), keys, range(len(keys)), low, high]
        pq.write_table(pa.table([pa.array(c, f.type) for c, f in zip(columns, _COLUMNS, strict=True)], _COLUMNS), new)
    return PackedImages(stamp=stamp, trainings=len(keys), parquet=table, draws=draws)


def _drawn(confusions: Confusions, key: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    matrices = confusions.load(key, SPLIT)
    if matrices is None:  # taken away since the folder was listed: the stamp says that the pack is stale
        return np.full(RESAMPLES, np.nan)
    return miou_draws([matrices], draws_of_images(len(matrices)))
