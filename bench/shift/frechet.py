"""Fréchet distance between two sets of features, as if each were normally distributed (Heusel et al. 2017, eq. 6).

    d^2 = |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))

The trace of the root is the sum of the singular values of X1 X2^T / sqrt((n1 - 1) (n2 - 1)), with X the centred
features: C1^(1/2) C2^(1/2) has the same ones. So no root of a matrix is taken, and fewer images than channels are no
trouble to the arithmetic. They are to the estimate: of few images the distance comes out too large, even between two
draws of the same images, so it is only read beside that of a reference with the same numbers of images.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]
"""(images, channels)"""


def frechet_distance(first: Features, second: Features) -> float:
    """Squared Fréchet distance, in squared units of the features.

    Raises:
        ValueError: fewer than two images on a side.
    """
    if min(len(first), len(second)) < 2:
        raise ValueError(f"a covariance needs two images, got {len(first)} and {len(second)}")
    apart = first.mean(axis=0) - second.mean(axis=0)
    one, other = _root(first), _root(second)
    spread = float((one**2).sum() + (other**2).sum())
    return max(0.0, float(apart @ apart) + spread - 2 * _sum_of_singular_values(one @ other.T))


def total_variance(features: Features) -> float:
    """Trace of the covariance: the mean squared distance of an image from the mean of all."""
    return float(features.var(axis=0, ddof=1).sum())


def _root(features: Features) -> Features:
    """X with X^T X the covariance, in no more rows than channels."""
    centred: Features = (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)
    if len(centred) <= centred.shape[1]:
        return centred
    return np.asarray(np.linalg.qr(centred, mode="r"), np.float64)


def _sum_of_singular_values(matrix: Features) -> float:
    """By the eigenvalues of the smaller square, which is several times as fast as the decomposition."""
    square = matrix @ matrix.T if len(matrix) <= matrix.shape[1] else matrix.T @ matrix
    return float(np.sqrt(np.maximum(np.linalg.eigvalsh(square), 0)).sum())
