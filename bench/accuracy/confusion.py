"""mIoU from one confusion matrix over a split."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IGNORE = 255
"""Label of void pixels in memory: never counted."""

Counts = NDArray[np.int64]


def confusion_matrix(target: NDArray[np.uint8], predicted: NDArray[np.uint8], classes: int) -> Counts:
    """Count pixels by (target, predicted); void targets are left out.

    Args:
        target, predicted: labels of one shape, target 0..classes-1 or IGNORE.
        classes: number of classes.

    Returns:
        (classes, classes), rows the target, columns the prediction.
    """
    kept = target != IGNORE
    pairs = target[kept].astype(np.int64) * classes + predicted[kept]
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def class_iou(matrix: Counts) -> NDArray[np.float64]:
    """Intersection over union of each class; NaN for a class in neither target nor prediction.

    As in the official Cityscapes script: a class that is only predicted has IoU 0.
    Shapes: (..., classes, classes) -> (..., classes).
    """
    intersection = np.diagonal(matrix, axis1=-2, axis2=-1).astype(np.float64)
    union = matrix.sum(axis=-1) + matrix.sum(axis=-2) - intersection
    iou = np.full_like(intersection, np.nan)
    np.divide(intersection, union, out=iou, where=union > 0)
    return iou


def mean_iou(matrix: Counts) -> float:
    """Mean of `class_iou` over the classes that occur, 0 to 1; NaN where none does."""
    iou = class_iou(matrix)
    return float(np.nanmean(iou)) if not np.all(np.isnan(iou)) else float("nan")


def miou_interval(per_image: Counts, seed: int = 0, resamples: int = 1000) -> tuple[float, float]:
    """95 % bootstrap interval of the mIoU over the images of the split.

    It says how much the choice of test images moves the number; the training seed moves it too.

    Args:
        per_image: (images, classes, classes), one confusion matrix an image.
    """
    rng = np.random.default_rng(seed)
    images = len(per_image)
    flat = per_image.reshape(images, -1).astype(np.float64)
    draws = rng.multinomial(images, np.full(images, 1 / images), size=resamples)  # (resamples, images)
    matrices = (draws @ flat).reshape(resamples, *per_image.shape[1:])
    drawn = [mean_iou(matrix) for matrix in matrices]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return float(low), float(high)
