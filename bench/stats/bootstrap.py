"""Intervals of mIoU by the bootstrap: over the images of a split, over training seeds, and paired between variants.

Images are drawn with replacement, and one confusion matrix is made of those drawn (Efron and Tibshirani, 1993). Two
variants are compared on the same draws: what an image is worth to both takes no part in their difference.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.stats.confusion import Counts
from bench.stats.interval import RESAMPLES, Interval, percentile_interval
from bench.stats.scores import Scores, mean_iou


def miou_interval(runs: Sequence[Counts], seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """mIoU, the mean over runs.

    Args:
        runs: (images, classes, classes) a training seed, of the same images. With one, the interval says how much the
            choice of images moves the number; with more, seeds are drawn as well.
    """
    drawn = _drawn(runs, np.random.default_rng(seed), resamples)
    return percentile_interval(_whole(runs), drawn)


def miou_difference(first: Sequence[Counts], second: Sequence[Counts], seed: int = 0) -> Interval:
    """mIoU of the second less that of the first, on the same draws of images; seeds are drawn for each.

    Args:
        first, second: as for `miou_interval`, of the same images in the same order.

    Raises:
        ValueError: they are of different images.
    """
    if len({run.shape for run in (*first, *second)}) > 1:
        raise ValueError("the two are of different images or classes")
    both = [_drawn(runs, np.random.default_rng(seed), RESAMPLES, of) for of, runs in enumerate((first, second))]
    return percentile_interval(_whole(second) - _whole(first), both[1] - both[0])


def _drawn(runs: Sequence[Counts], rng: np.random.Generator, resamples: int, variant: int = 0) -> Scores:
    """(resamples,) mIoU of drawn images and seeds; images are the same for every `variant`, seeds are not."""
    scores = _seed_scores(runs, image_draws(len(runs[0]), resamples, rng))
    chosen = rng.spawn(variant + 1)[variant].integers(len(runs), size=(len(runs), resamples))
    drawn: Scores = np.take_along_axis(scores, chosen, axis=0).mean(axis=0)
    return drawn


def _seed_scores(runs: Sequence[Counts], draws: NDArray[np.int64]) -> Scores:
    """(seeds, resamples) mIoU of each seed on each draw of images."""
    classes = runs[0].shape[-1]
    sums = (draws @ run.reshape(len(run), -1).astype(np.float64) for run in runs)
    return np.stack([mean_iou(drawn.reshape(-1, classes, classes)) for drawn in sums])


def miou_draws(runs: Sequence[Counts], draws: NDArray[np.int64]) -> Scores:
    """(resamples,) mIoU, the mean over seeds, on drawn images.

    Args:
        runs: (images, classes, classes) a training seed.
        draws: (resamples, images), how often each image is drawn; from `image_draws`, the same for all variants.
    """
    drawn: Scores = _seed_scores(runs, draws).mean(axis=0)
    return drawn


def image_draws(images: int, resamples: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(resamples, images): how often each image is drawn, with replacement."""
    return rng.multinomial(images, np.full(images, 1 / images), size=resamples)


def _whole(runs: Sequence[Counts]) -> float:
    return float(np.mean([mean_iou(run.sum(axis=0)) for run in runs]))
