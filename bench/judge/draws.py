"""What the numbers of variants could as well have been: bootstrap draws over images, seeds and processes.

Images are drawn for all variants alike, since all were judged on the same ones: what makes an image hard is no
difference between variants. Processes are drawn for each on its own (Efron and Tibshirani, 1993). Seeds are too few to
be drawn: their spread, pooled over all variants, is added as noise.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from bench.accuracy.bootstrap import Interval, image_draws, miou_draws
from bench.confusions import Confusions
from bench.judge.latency_records import metric_of
from bench.judge.seed_spread import SeedSpread
from bench.records import Record

RESAMPLES = 1000
_SPLIT = "val"
_WIDTH = 2 * NormalDist().inv_cdf(0.975)
"""Standard deviations between the ends of a 95 % interval."""
Draws = NDArray[np.float64]
"""(resamples,) of one metric of one variant."""


def draw_mious(
    accuracy: Iterable[Record], confusions: Confusions | None, spread: SeedSpread | None,
    resamples: int = RESAMPLES, seed: int = 0,
) -> dict[str, Draws]:  # fmt: skip
    """By variant, the mIoU on the validation split, mean of the seeds.

    Args:
        confusions: where they hold no matrices of the images, an error by the interval of the record takes their place,
            independent of the other variants.
        spread: between seeds, pooled over variants; None: the draws are over images alone.

    Raises:
        UserError: a file of matrices is broken.
    """
    by_variant: dict[str, list[Record]] = {}
    for record in accuracy:
        by_variant.setdefault(record.variant, []).append(record)
    images: dict[int, NDArray[np.int64]] = {}
    drawn: dict[str, Draws] = {}
    for variant, runs in by_variant.items():
        rng = _rng(runs, seed)
        matrices = [m for run in runs if confusions and (m := confusions.load(run.key, _SPLIT)) is not None]
        if len(matrices) == len(runs):
            count = len(matrices[0])
            if count not in images:
                images[count] = image_draws(count, resamples, np.random.default_rng([seed, 0, count]))
            over_images = miou_draws(matrices, images[count])
        else:
            over_images = _normal([run.metrics for run in runs], f"miou_{_SPLIT}", rng, resamples)
        drawn[variant] = over_images + _seed_noise(spread, len(runs), rng, resamples)
    return drawn


def _rng(records: Sequence[Record], seed: int) -> np.random.Generator:
    """By what was measured: the same measurement has the same draws wherever it is shown: no change to itself."""
    digest = hashlib.sha256("".join(record.key for record in records).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8])])


def _seed_noise(spread: SeedSpread | None, seeds: int, rng: np.random.Generator, resamples: int) -> Draws:
    """Of the mean of so many seeds; Student's t, since the spread itself is only known from some."""
    if spread is None:
        return np.zeros(resamples)
    return spread.deviation / math.sqrt(seeds) * rng.standard_t(spread.freedom, resamples)


def _normal(runs: Sequence[dict[str, float]], metric: str, rng: np.random.Generator, resamples: int) -> Draws:
    """The mean of the seeds, off by what its images may do."""
    value = float(np.mean([run[metric] for run in runs]))
    error = float(np.mean([run[f"{metric}_high"] - run[f"{metric}_low"] for run in runs])) / _WIDTH
    return value + error * rng.standard_normal(resamples)


def draw_latencies(
    latency: Iterable[Record], metric: str, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Draws]:
    """By variant, the median over processes, which are drawn."""
    by_variant: dict[str, list[Record]] = {}
    for record in latency:
        if record.group == "latency" and metric_of(record) == metric:
            by_variant.setdefault(record.variant, []).append(record)
    drawn = {}
    for variant, processes in by_variant.items():
        medians = np.array([record.metrics[metric] for record in processes])
        chosen = _rng(processes, seed).integers(len(medians), size=(resamples, len(medians)))
        drawn[variant] = np.median(medians[chosen], axis=1)
    return drawn


def interval_of(value: float, drawn: Draws) -> Interval:
    """The value with the 95 % interval of its draws."""
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Interval(value, float(low), float(high))
