"""Scores from confusion matrices (rows the target, columns the prediction): IoU, accuracies and their intervals.

All shapes (..., classes, classes) -> (...) or (..., classes): of one matrix, or of many at a time. 0 to 1.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from bench.stats.confusion import Counts

Scores = NDArray[np.float64]


def class_iou(matrix: Counts | Scores) -> Scores:
    """Intersection over union of each class; NaN for a class in neither target nor prediction.

    As in the official Cityscapes script: a class that is only predicted has IoU 0.
    """
    intersection = np.diagonal(matrix, axis1=-2, axis2=-1).astype(np.float64)
    return _ratio(intersection, matrix.sum(axis=-1) + matrix.sum(axis=-2) - intersection)


def mean_iou(matrix: Counts | Scores) -> Scores:
    """Mean of `class_iou` over the classes that occur; NaN where none does."""
    return _mean(class_iou(matrix))


def frequency_weighted_iou(matrix: Counts | Scores) -> Scores:
    """Mean of `class_iou`, each class by its share of the target's pixels (Long et al., CVPR 2015)."""
    weighted = matrix.sum(axis=-1) * np.nan_to_num(class_iou(matrix))
    return _ratio(weighted.sum(axis=-1), matrix.sum(axis=(-2, -1)))


def pixel_accuracy(matrix: Counts | Scores) -> Scores:
    """Share of the target's pixels that are predicted right."""
    return _ratio(np.trace(matrix, axis1=-2, axis2=-1), matrix.sum(axis=(-2, -1)))


def mean_accuracy(matrix: Counts | Scores) -> Scores:
    """Mean over the target's classes of the share of their pixels that are predicted right."""
    return _mean(_ratio(np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(axis=-1)))


def _ratio(part: NDArray[np.generic], whole: NDArray[np.generic]) -> Scores:
    """part / whole; NaN where the whole is 0."""
    ratio = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=ratio, where=np.asarray(whole) > 0)
    return ratio


def _mean(scores: Scores) -> Scores:
    """Over the last axis, of what is a number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of a row without a number: NaN is the answer
        return np.asarray(np.nanmean(scores, axis=-1))
