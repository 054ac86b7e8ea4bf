"""Boundary IoU: intersection over union of the pixels near the contours alone.

Cheng et al., "Boundary IoU: Improving Object-Centric Image Segmentation Evaluation", CVPR 2021: a pixel belongs to the
boundary of its class where a pixel of another class, or the edge of the image, is no farther than d, 2 % of the
image's diagonal (in their code an erosion by a 3x3 square, d times over). Void pixels take no part: they are no
contour, and none is counted in them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench.stats.confusion import IGNORE, Counts

DISTANCE = 0.02
"""Of the diagonal."""
_OUTSIDE = 256
"""Label of what is beyond the edge: of no class."""


def boundary_counts(target: NDArray[np.uint8], predicted: NDArray[np.uint8], classes: int) -> Counts:
    """Pixels of each class in the boundaries of both, of the target, and of the prediction.

    Args:
        target, predicted: (H, W), target 0..classes-1 or IGNORE, predicted 0..classes-1.

    Returns:
        (3, classes); of several images they add up, and `boundary_iou` makes the score.
    """
    void = target == IGNORE
    distance = boundary_distance(*target.shape)
    near = [_near_contour(labels, void, distance) for labels in (target, predicted)]
    both = near[0] & near[1] & (target == predicted)
    return np.stack(
        [
            np.bincount(labels[kept], minlength=classes)
            for labels, kept in ((target, both), (target, near[0]), (predicted, near[1]))
        ]
    )


def boundary_iou(counts: Counts) -> NDArray[np.float64]:
    """(..., 3, classes) -> (..., classes), 0 to 1; NaN for a class in neither."""
    both, target, predicted = (counts[..., row, :].astype(np.float64) for row in range(3))
    union = target + predicted - both
    iou = np.full(union.shape, np.nan)
    np.divide(both, union, out=iou, where=union > 0)
    return iou


def boundary_distance(height: int, width: int) -> int:
    """Pixels from the contour that count, at least 1."""
    return max(1, round(DISTANCE * float(np.hypot(height, width))))


def _near_contour(labels: NDArray[np.uint8], void: NDArray[np.bool_], distance: int) -> NDArray[np.bool_]:
    """Pixels, not void ones, whose neighbourhood holds another label: its lowest or its highest is not their own."""
    own = labels.astype(np.int16)
    size = 2 * distance + 1
    lowest = ndimage.minimum_filter(np.where(void, _OUTSIDE, own), size, mode="constant", cval=-1)
    highest = ndimage.maximum_filter(np.where(void, -1, own), size, mode="constant", cval=_OUTSIDE)
    near: NDArray[np.bool_] = ~void & ((lowest != own) | (highest != own))
    return near
