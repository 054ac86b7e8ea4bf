"""How far single images are from a set of images: Mahalanobis distance with a covariance that is shrunk.

With fewer images than channels a covariance cannot be inverted. Ledoit and Wolf (2004, "A well-conditioned estimator
for large-dimensional covariance matrices") mix it with a multiple of the identity, by the share that has the least
expected error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.shift.frechet import Features


@dataclass(frozen=True)
class Cloud:
    """Mean (channels,) and inverse covariance (channels, channels) of a set of images."""

    mean: NDArray[np.float64]
    precision: NDArray[np.float64]

    @classmethod
    def of(cls, features: Features) -> Cloud:
        """Of at least two images."""
        return cls(features.mean(axis=0), np.linalg.inv(shrunk_covariance(features)).astype(np.float64))

    def distances(self, features: Features) -> NDArray[np.float64]:
        """(images,): Mahalanobis distance of each."""
        apart = features - self.mean
        squares: NDArray[np.float64] = ((apart @ self.precision) * apart).sum(axis=1)
        return np.sqrt(np.maximum(squares, 0))


def shrunk_covariance(features: Features) -> NDArray[np.float64]:
    """(channels, channels): Ledoit and Wolf's estimate, with 1 / images as the divisor of the covariance."""
    images, channels = features.shape
    centred = features - features.mean(axis=0)
    sample = centred.T @ centred / images
    scale = np.trace(sample) / channels
    apart = (sample**2).sum() - channels * scale**2  # |S - scale I|^2
    noise = ((centred**2).sum(axis=1) ** 2).sum() / images**2 - (sample**2).sum() / images  # of S, around its mean
    share = min(1.0, max(0.0, noise / apart)) if apart > 0 else 1.0
    tiny = np.finfo(np.float64).eps * max(scale, 1.0)  # of features that are all alike
    shrunk: NDArray[np.float64] = (1 - share) * sample + (share * scale + tiny) * np.eye(channels)
    return shrunk
