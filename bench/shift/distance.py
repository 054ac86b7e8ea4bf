"""How far new images are from those that a network was trained on, in its own features, and what steps change in it.

Distances are squared Fréchet distances over the total variance of the training images' features: 1 is as far as the
training images spread around their mean. Of few images such a distance comes out too large. So some training images are
held out, as many as there are new ones, and both are compared with the rest: what counts is by how much the new images
are farther away than the held-out ones.

Intervals are of random half-samples of the images, without replacement (McCarthy 1969, "Pseudo-replication: half
samples"), the same for all steps. The usual bootstrap repeats images, which this distance takes for a narrower spread.
On normal features of 30 to 200 images half-samples gave intervals 1.3 to 3 times as wide as the true ones, the
bootstrap 2 to 3 times: what they leave out is out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.adapt.images import FEWEST
from bench.shift.frechet import Features, frechet_distance, total_variance
from bench.shift.mahalanobis import Cloud
from bench.stats.interval import PERCENTILES, Interval

RAW = "none"
"""In place of a step: the images as they are."""
_SPLITS = 20
"""Ways in which training images are held out, of which a distance is the mean."""
_SPLITS_OF_A_DRAW = 4
RESAMPLES = 200
_FOLDS = 4
_UNLIKE = 95
"""Per cent of held-out training images; what is farther away than these is called unlike them."""
Draws = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class StepShift:
    """The new images after a step.

    excess: distance beyond that of held-out training images; 0 is no shift. closed: share of the gap that the step
    closes, negative where it widens it; None for no step, and where there is no gap to close.
    per_image: distance of each new image over the median of held-out training images.
    """

    step: str
    excess: Interval
    closed: Interval | None
    per_image: tuple[float, ...]

    def unlike(self, limit: float) -> float:
        """Share of the images beyond a distance."""
        return float(np.mean(np.array(self.per_image) > limit))


@dataclass(frozen=True, kw_only=True)
class Shift:
    """What came out.

    held_out: training images in each comparison, and new ones beside them. reference: distance of held-out training
    images, with the middle 95 % of draws. stretch: what consecutive training images are beyond it, mean over all such
    stretches: of a video, what another street does. source_per_image: of the training images themselves, held out.
    limit: what 95 % of them stay below. steps: none first.
    """

    held_out: int
    reference: Interval
    stretch: float
    source_per_image: tuple[float, ...]
    limit: float
    steps: tuple[StepShift, ...]

    @property
    def raw(self) -> StepShift:
        """Without a step."""
        return self.steps[0]

    @property
    def has_gap(self) -> bool:
        """Whether the new images are farther away than chance explains."""
        return self.raw.excess.low > 0

    def best(self) -> StepShift | None:
        """The step that closes most, if its interval leaves out 0."""
        closing = [step for step in self.steps if step.closed is not None and step.closed.low > 0]
        return max(closing, key=lambda step: step.closed.value if step.closed else 0.0, default=None)


def measure_shift(
    source: Features,
    targets: Mapping[str, Features],
    seed: int = 0,
    resamples: int = RESAMPLES,
    on_draw: Callable[[int], None] = lambda done: None,
) -> Shift:
    """Compare features of new images, without and with steps, with those of the training images.

    Args:
        source: (images, channels) of the training images, in their own order.
        targets: by step, the same new images in the same order; `RAW` among them.
        on_draw: called with the number of draws done, of `resamples`.

    Raises:
        ValueError: fewer than eight images on a side, or no `RAW`.
    """
    fewest = min(len(source), *map(len, targets.values()))
    if fewest < FEWEST or RAW not in targets:
        raise ValueError(f"a shift is measured on {FEWEST} images a side and with {RAW!r}, got {fewest}, {[*targets]}")
    ordered = {RAW: targets[RAW], **targets}
    points, draws = (
        distances / (total_variance(source) or 1.0)
        for distances in _drawn(source, ordered, seed=seed, resamples=resamples, on_draw=on_draw)
    )
    own, per_image = _per_image(source, ordered)
    count = _held_out(source, ordered)
    return Shift(
        held_out=count,
        reference=_interval(points[0], _around(points, draws)[:, 0]),
        stretch=_stretch(source, count) - float(points[0]),
        source_per_image=own,
        limit=float(np.percentile(own, _UNLIKE)),
        steps=_steps(points[1:] - points[0], _around(points[1:] - points[0], draws[:, 1:] - draws[:, :1]), per_image),
    )


def _drawn(
    source: Features, targets: Mapping[str, Features], seed: int, resamples: int, on_draw: Callable[[int], None]
) -> tuple[Draws, Draws]:
    """(1 + targets,) of all images, and (resamples, 1 + targets) of half-samples of them; see `_compare`."""
    rng = np.random.default_rng(seed)
    points = _compare(source, targets, rng, _SPLITS)
    draws = np.empty((resamples, len(points)))
    for i in range(resamples):
        known, new = (rng.permutation(n)[: n // 2] for n in (len(source), len(targets[RAW])))
        draws[i] = _compare(source[known], {name: one[new] for name, one in targets.items()}, rng, _SPLITS_OF_A_DRAW)
        on_draw(i + 1)
    return points, draws


def _around(values: Draws, draws: Draws) -> Draws:
    """The spread of draws around the values: half as many images are all alike a little farther apart."""
    centred: Draws = draws - draws.mean(axis=0) + values
    return centred


def _compare(source: Features, targets: Mapping[str, Features], rng: np.random.Generator, splits: int) -> Draws:
    """(1 + targets,): distance of held-out training images from the others, then that of as many new ones.

    Mean over ways to hold out; the new images are the same for all targets.
    """
    count, found = _held_out(source, targets), []
    for _ in range(splits):
        order = rng.permutation(len(source))
        new = rng.permutation(len(targets[RAW]))[:count]
        compared = (source[order[:count]], *(features[new] for features in targets.values()))
        found.append([frechet_distance(source[order[count:]], features) for features in compared])
    mean: Draws = np.array(found).mean(axis=0)
    return mean


def _held_out(source: Features, targets: Mapping[str, Features]) -> int:
    """Images of each side of a comparison."""
    return min(len(targets[RAW]), len(source) // 2)


def _stretch(source: Features, length: int) -> float:
    """Mean distance of stretches of consecutive images from all others, in units of the total variance."""
    starts = range(0, len(source) - length + 1, length)
    found = [
        frechet_distance(np.delete(source, range(at, at + length), axis=0), source[at : at + length]) for at in starts
    ]
    return float(np.mean(found)) / (total_variance(source) or 1.0)


def _steps(excess: Draws, drawn: Draws, per_image: Mapping[str, Draws]) -> tuple[StepShift, ...]:
    """excess: (steps,), without a step first. drawn: (resamples, steps)."""
    whole = _interval(excess[0], drawn[:, 0])
    steps = []
    for i, (name, distances) in enumerate(per_image.items()):
        closed = None
        if i and whole.low > 0:
            closed = _interval(1 - excess[i] / excess[0], 1 - drawn[:, i] / drawn[:, 0])
        steps.append(
            StepShift(
                step=name,
                excess=_interval(excess[i], drawn[:, i]),
                closed=closed,
                per_image=tuple(map(float, distances)),
            )
        )
    return tuple(steps)


def _per_image(source: Features, targets: Mapping[str, Features]) -> tuple[tuple[float, ...], dict[str, Draws]]:
    """Mahalanobis distances over the median of training images that took no part in the cloud they are measured from.

    Those that are held out stand side by side, since neighbours in a video are nearly the same image.
    """
    folds = np.array_split(np.arange(len(source)), _FOLDS)
    clouds = [Cloud.of(np.delete(source, fold, axis=0)) for fold in folds]
    own = np.concatenate([cloud.distances(source[fold]) for cloud, fold in zip(clouds, folds, strict=True)])
    unit = float(np.median(own)) or 1.0
    of_targets = {
        name: np.mean([cloud.distances(features) for cloud in clouds], axis=0) / unit
        for name, features in targets.items()
    }
    return tuple(map(float, own / unit)), of_targets


def _interval(value: float, drawn: Draws) -> Interval:
    low, high = np.percentile(drawn, PERCENTILES)
    return Interval(float(value), float(low), float(high))
