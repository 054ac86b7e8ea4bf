"""What the numbers of variants could as well have been: bootstrap draws over images, seeds and processes.

Images are drawn for all variants alike, since all were judged on the same ones: what makes an image hard is no
difference between variants. Processes are drawn for each on its own (Efron and Tibshirani, 1993). Seeds are too few to
be drawn: their spread, pooled over all variants, is added as noise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import moocore
import numpy as np
from numpy.typing import NDArray

from bench.analysis.candidates import Candidate
from bench.analysis.displayed_values import as_shown
from bench.analysis.latency_records import metric_of
from bench.analysis.seed_variance import SeedSpread, seed_noise
from bench.metrics import METRICS
from bench.stats.bootstrap import image_draws, miou_draws
from bench.stats.interval import CONFIDENCE, RESAMPLES
from bench.storage.confusions import Confusions
from bench.storage.records import Record

SPLIT = "val"
WIDTH = 2 * NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
"""Standard deviations between the ends of a 95 % interval."""
Draws = NDArray[np.float64]
"""(resamples,) of one metric of one variant."""


@dataclass(frozen=True)
class Run:
    """A training or the process of a latency: its record's key, its number, and of a training its interval's width."""

    key: str
    value: float
    width: float = 0.0


def draw_mious(
    accuracy: Iterable[Record],
    confusions: Confusions | None,
    spread: SeedSpread | None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Draws]:
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

    def over_images(record: Record) -> Draws | None:
        matrices = confusions.load(record.key, SPLIT) if confusions else None
        return None if matrices is None else miou_draws([matrices], draws_of_images(len(matrices), resamples, seed))

    return {
        variant: draw_miou(
            [run_of(r) for r in runs], [over_images(r) for r in runs], spread=spread, resamples=resamples, seed=seed
        )
        for variant, runs in by_variant.items()
    }


def run_of(record: Record) -> Run:
    """Of an accuracy."""
    name, metrics = f"miou_{SPLIT}", record.metrics
    return Run(record.key, metrics[name], metrics[f"{name}_high"] - metrics[f"{name}_low"])


def draw_miou(
    runs: Sequence[Run],
    over_images: Sequence[Draws | None],
    spread: SeedSpread | None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Draws:
    """Of one variant, the mean of its seeds.

    Args:
        over_images: of each run, its mIoU on the images that are drawn for all variants; None: it left no matrices.
    """
    rng = _rng(runs, seed)
    known = [drawn for drawn in over_images if drawn is not None]
    drawn = np.stack(known).mean(axis=0) if len(known) == len(runs) else _normal(runs, rng, resamples)
    return np.clip(drawn + seed_noise(spread, len(runs), rng, resamples), 0, 1)


@lru_cache(maxsize=8)
def draws_of_images(images: int, resamples: int = RESAMPLES, seed: int = 0) -> NDArray[np.int64]:
    """(resamples, images): how often each is drawn, the same wherever so many images are drawn."""
    return image_draws(images, resamples, np.random.default_rng([seed, 0, images]))


def _rng(runs: Sequence[Run], seed: int) -> np.random.Generator:
    """By what was measured: the same measurement has the same draws wherever it is shown: no change to itself."""
    digest = hashlib.sha256("".join(run.key for run in runs).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8])])


def _normal(runs: Sequence[Run], rng: np.random.Generator, resamples: int) -> Draws:
    """The mean of the seeds, off by what its images may do."""
    value = float(np.mean([run.value for run in runs]))
    error = float(np.mean([run.width for run in runs])) / WIDTH
    return value + error * rng.standard_normal(resamples)


def draw_latencies(
    latency: Iterable[Record], metric: str, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Draws]:
    """By variant, the median over processes, which are drawn."""
    by_variant: dict[str, list[Run]] = {}
    for record in latency:
        if record.group == "latency" and metric_of(record) == metric:
            by_variant.setdefault(record.variant, []).append(Run(record.key, record.metrics[metric]))
    return {variant: draw_latency(processes, resamples, seed) for variant, processes in by_variant.items()}


def draw_latency(processes: Sequence[Run], resamples: int = RESAMPLES, seed: int = 0) -> Draws:
    """Of one variant: the median over its processes, which are drawn."""
    medians = np.array([process.value for process in processes])
    chosen = _rng(processes, seed).integers(len(medians), size=(resamples, len(medians)))
    return np.asarray(np.median(medians[chosen], axis=1))


AllDraws = Mapping[str, Mapping[str, Draws]]
"""By metric and variant."""


def front_chances(
    candidates: Sequence[Candidate], metrics: Sequence[str], draws: Mapping[str, Mapping[str, Draws]]
) -> list[float]:
    """For each candidate, the share of the draws in which nothing dominates it in all of `metrics`.

    Costs that read the same are the same, as on the front that is shown.
    """
    drawn = np.stack([_to_lower(candidates, metric, draws) for metric in metrics], axis=-1)
    on_front = np.mean([moocore.is_nondominated(points, keep_weakly=True) for points in drawn], axis=0)
    return [float(share) for share in on_front]


def _to_lower(
    candidates: Sequence[Candidate], metric: str, draws: Mapping[str, Mapping[str, Draws]]
) -> NDArray[np.float64]:
    """(resamples, candidates), the lower the better."""
    drawn = drawn_values(candidates, metric, draws)
    if METRICS[metric].higher_is_better:
        return -drawn
    return np.stack([as_shown(metric, of_candidate) for of_candidate in drawn.T], axis=1)


def _resamples(draws: Mapping[str, Mapping[str, Draws]]) -> int:
    return next((len(drawn) for of_metric in draws.values() for drawn in of_metric.values()), 1)


def drawn_values(
    candidates: Sequence[Candidate], metric: str, draws: Mapping[str, Mapping[str, Draws]]
) -> NDArray[np.float64]:
    """(resamples, candidates)."""
    resamples = _resamples(draws)
    of_metric = draws.get(metric, {})
    columns = [of_metric.get(c.variant, np.full(resamples, c.values[metric])) for c in candidates]
    return np.stack(columns, axis=1)
