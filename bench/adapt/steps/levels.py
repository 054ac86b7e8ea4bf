"""How often each level occurs in images, each image weighing the same whatever its size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEVELS = 256


def level_shares(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """(3, 256): share of the pixels of each channel at each level, mean over images of (H, W, 3)."""
    shares = np.zeros((3, LEVELS))
    for image in images:
        for channel in range(3):
            shares[channel] += np.bincount(image[..., channel].ravel(), minlength=LEVELS) / image[..., channel].size
    return shares / len(images)
