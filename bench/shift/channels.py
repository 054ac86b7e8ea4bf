"""Mean and standard deviation of red, green and blue over images, each image weighing the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class ChannelSums:
    """Takes images one by one; levels are 0 to 255."""

    def __init__(self) -> None:
        self._images = 0
        self._sum = np.zeros(3)
        self._squares = np.zeros(3)

    def add(self, image: NDArray[np.uint8]) -> None:
        """Another image (H, W, 3)."""
        levels = image.reshape(-1, 3).astype(np.float32)
        self._images += 1
        self._sum += levels.mean(axis=0, dtype=np.float64)
        self._squares += (levels**2).mean(axis=0, dtype=np.float64)

    @property
    def mean(self) -> NDArray[np.float64]:
        """(3,), of all pixels."""
        mean: NDArray[np.float64] = self._sum / self._images
        return mean

    @property
    def std(self) -> NDArray[np.float64]:
        """(3,), of all pixels around the mean of all."""
        return np.sqrt(np.maximum(self._squares / self._images - self.mean**2, 0))
