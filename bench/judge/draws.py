"""What the numbers of variants could as well have been: bootstrap draws over images, seeds and processes.

Images are drawn for all variants alike, since all were judged on the same ones: what makes an image hard is no
difference between variants. Seeds and processes are drawn for each on its own (Efron and Tibshirani, 1993).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from bench.accuracy.bootstrap import Interval, image_draws, miou_draws
from bench.confusions import Confusions
from bench.judge.latency_records import metric_of
from bench.records import Record

RESAMPLES = 1000
_SPLIT = "val"
_WIDTH = 2 * NormalDist().inv_cdf(0.975)
"""Standard deviations between the ends of a 95 % interval."""
Draws = NDArray[np.float64]
"""(resamples,) of one metric of one variant."""


def draw_mious(
    accuracy: Iterable[Record], confusions: Confusions | None, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Draws]:
    """By variant, the mIoU on the validation split, mean of the seeds.

    Where the matrices of the images are not there, normal draws by the interval of the record, independent of others.

    Raises:
        UserError: a file of matrices is broken.
    """
    by_variant: dict[str, list[Record]] = {}
    for record in accuracy:
        by_variant.setdefault(record.variant, []).append(record)
    images: dict[int, NDArray[np.int64]] = {}
    drawn: dict[str, Draws] = {}
    for number, (variant, runs) in enumerate(by_variant.items()):
        rng = np.random.default_rng([seed, 1, number])
        matrices = [m for run in runs if confusions and (m := confusions.load(run.key, _SPLIT)) is not None]
        if len(matrices) == len(runs):
            count = len(matrices[0])
            if count not in images:
                images[count] = image_draws(count, resamples, np.random.default_rng([seed, 0, count]))
            drawn[variant] = miou_draws(matrices, images[count], rng)
        else:
            drawn[variant] = _normal([run.metrics for run in runs], f"miou_{_SPLIT}", rng, resamples)
    return drawn


def _normal(runs: Sequence[dict[str, float]], metric: str, rng: np.random.Generator, resamples: int) -> Draws:
    """The mean of the seeds, each off by what its own interval says; seeds are drawn as well."""
    values = np.array([run[metric] for run in runs])
    spread = float(np.mean([run[f"{metric}_high"] - run[f"{metric}_low"] for run in runs])) / _WIDTH
    chosen = rng.integers(len(values), size=(resamples, len(values)))
    drawn: Draws = values[chosen].mean(axis=1) + spread * rng.standard_normal(resamples)
    return drawn


def draw_latencies(
    latency: Iterable[Record], metric: str, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Draws]:
    """By variant, the median over processes, which are drawn."""
    by_variant: dict[str, list[float]] = {}
    for record in latency:
        if record.group == "latency" and metric_of(record) == metric:
            by_variant.setdefault(record.variant, []).append(record.metrics[metric])
    drawn = {}
    for number, (variant, medians) in enumerate(by_variant.items()):
        rng = np.random.default_rng([seed, 2, number])
        chosen = rng.integers(len(medians), size=(resamples, len(medians)))
        drawn[variant] = np.median(np.array(medians)[chosen], axis=1)
    return drawn


def interval_of(value: float, drawn: Draws) -> Interval:
    """The value with the 95 % interval of its draws."""
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Interval(value, float(low), float(high))
