"""Confusion matrices: which class the pixels of a class were taken for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IGNORE = 255
"""Label of void pixels in memory: never counted."""

Counts = NDArray[np.int64]
_RUNS_PAY_UP_TO = 0.3
"""Share of pixels that start a run, up to which counting runs is faster than counting pixels."""


def confusion_matrix(target: NDArray[np.uint8], predicted: NDArray[np.uint8], classes: int) -> Counts:
    """Count pixels by (target, predicted); void targets are left out.

    Label maps lie in long runs of one pair of labels, so runs are counted with their lengths: the pixels are only
    compared with their neighbours.

    Args:
        target, predicted: labels of one shape, target 0..classes-1 or IGNORE, predicted 0..classes-1, and
            anything where the target is void.
        classes: number of classes, 255 at most.

    Returns:
        (classes, classes), rows the target, columns the prediction.

    Raises:
        ValueError: the shapes differ, or a label is none.
    """
    if target.shape != predicted.shape:
        raise ValueError(f"target is {target.shape} and prediction {predicted.shape}")
    if predicted.size and int(predicted.max()) >= classes and bool((predicted[target != IGNORE] >= classes).any()):
        raise ValueError(f"class {predicted[target != IGNORE].max()} is predicted, of {classes}")
    pairs = np.multiply(target.ravel(), classes, dtype=np.uint16)  # void goes to rows of its own: 255 * 255 + 255 fits
    pairs += predicted.ravel()
    if pairs.size == 0:
        return np.zeros((classes, classes), np.int64)
    found = _count(pairs, IGNORE * classes)
    if found[classes * classes : IGNORE * classes].any():
        raise ValueError(f"a label of the target is not of the {classes} classes")
    return found[: classes * classes].reshape(classes, classes)


def _count(pairs: NDArray[np.uint16], values: int) -> Counts:
    """How often each value stands in `pairs`, which is not empty."""
    starts = np.flatnonzero(pairs[1:] != pairs[:-1]) + 1
    if len(starts) > _RUNS_PAY_UP_TO * len(pairs):
        return np.bincount(pairs, minlength=values)
    starts = np.concatenate(([0], starts))
    lengths = np.diff(starts, append=len(pairs))
    # lengths as weights are float64, exact up to 2^53 pixels
    return np.bincount(pairs[starts], lengths, values).astype(np.int64)
