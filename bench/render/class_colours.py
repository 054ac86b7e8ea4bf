"""Colours of classes: far apart in hue and in lightness, so that neighbours differ for colour-blind readers too."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import hsv_to_rgb
from numpy.typing import NDArray

VOID_COLOUR = (0, 0, 0)
_FIRST = (
    (0, 114, 178), (230, 159, 0), (0, 158, 115), (240, 228, 66), (213, 94, 0), (170, 255, 195), (204, 121, 167),
    (140, 140, 140), (90, 60, 20), (120, 30, 120), (86, 180, 233), (255, 215, 180), (70, 70, 200), (128, 128, 0),
    (250, 190, 212), (0, 70, 60), (220, 190, 255), (180, 20, 40), (255, 250, 200),
)  # fmt: skip
"""Of Okabe and Ito, with others between them: no two of a hue follow each other."""
_GOLDEN_ANGLE = 0.381966


def class_colours(classes: int) -> NDArray[np.uint8]:
    """(classes, 3) uint8 RGB; what stands beyond the first 19 goes round the hues."""
    more = [
        tuple(int(255 * v) for v in hsv_to_rgb((i * _GOLDEN_ANGLE % 1, 0.45 + 0.3 * (i % 2), 0.55 + 0.2 * (i % 3))))
        for i in range(max(0, classes - len(_FIRST)))
    ]
    return np.array([*_FIRST, *more][:classes], np.uint8)
