"""A result as a record holds it: metrics by name, and the tables behind them."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.accuracy.evaluate import Result
from bench.stats.scores import frequency_weighted_iou, mean_accuracy, pixel_accuracy


def miou_numbers(split: str, result: Result) -> dict[str, float]:
    """`miou_<split>` with `_low` and `_high`, its 95 % interval over the images."""
    name, miou = f"miou_{split}", result.miou
    return {name: miou.value, f"{name}_low": miou.low, f"{name}_high": miou.high}


def score_tables(split: str, result: Result) -> dict[str, Any]:
    """What stands behind the mIoU, and other scores of the same predictions."""
    confusion = result.confusion
    others = {
        "frequency_weighted_iou": frequency_weighted_iou(confusion),
        "pixel_accuracy": pixel_accuracy(confusion),
        "mean_accuracy": mean_accuracy(confusion),
        "boundary_iou": result.boundary_iou,
    }
    return {
        f"class_iou_{split}": [None if np.isnan(iou) else float(iou) for iou in result.class_iou],
        f"confusion_{split}": confusion.tolist(),
        f"scores_{split}": {name: float(score) for name, score in others.items() if score is not None},
    }
