"""How far new images are from those that a network was trained on, in its own features, and what steps change in it.

Distances are squared Fréchet distances over the total variance of the training images' features: 1 is as far as the
training images spread around their mean. Of few images such a distance comes out too large. So some training images are
held out, as many as there are new ones, and both are compared with the rest: what counts is by how much the new images
are farther away than the held-out ones. Intervals are bootstrapped over images (Efron and Tibshirani 1993); steps are
compared on the same draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.accuracy.bootstrap import Interval
from bench.adapt.frechet import Features, frechet_distance, total_variance
from bench.adapt.mahalanobis import Cloud

RAW = "none"
"""In place of a step: the images as they are."""
_SPLITS = 20
"""Ways in which training images are held out, of which a distance is the mean."""
RESAMPLES = 300
_LEVEL = (2.5, 97.5)
_FOLDS = 4
_UNLIKE = 95
"""Per cent of held-out training images; what is farther away than these is called unlike them."""
Draws = NDArray[np.float64]


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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
    source: Features, targets: Mapping[str, Features], seed: int = 0, resamples: int = RESAMPLES,
    on_draw: Callable[[int], None] = lambda done: None,
) -> Shift:  # fmt: skip
    """Compare features of new images, without and with steps, with those of the training images.

    Args:
        source: (images, channels) of the training images, in their own order.
        targets: by step, the same new images in the same order; `RAW` among them.
        on_draw: called with the number of bootstrap draws done, of `resamples`.

    Raises:
        ValueError: fewer than four images on a side, or no `RAW`.
    """
    fewest = min(len(source), *map(len, targets.values()))
    if fewest < _FOLDS or RAW not in targets:
        raise ValueError(f"a shift is measured on {_FOLDS} images a side and with {RAW!r}, got {fewest}, {[*targets]}")
    ordered = {RAW: targets[RAW], **targets}
    held_out = min(len(targets[RAW]), len(source) // 2)
    compare = _Comparison(source, ordered, held_out)
    rng = np.random.default_rng(seed)
    points = np.mean([compare.draw(rng, resample=False) for _ in range(_SPLITS)], axis=0)
    draws = np.empty((resamples, len(points)))
    for i in range(resamples):
        draws[i] = compare.draw(rng, resample=True)
        on_draw(i + 1)
    excess = points[1:] - points[0]
    # drawing with replacement repeats images, which moves all distances up alike: only the spread of the draws is used
    beyond = draws[:, 1:] - draws[:, :1]
    drawn = beyond - beyond.mean(axis=0) + excess
    own, per_image = _per_image(source, ordered)
    return Shift(
        held_out, _interval(points[0], draws[:, 0] - draws[:, 0].mean() + points[0]),
        _stretch(source, held_out) - float(points[0]), own, float(np.percentile(own, _UNLIKE)),
        _steps(excess, drawn, per_image),
    )  # fmt: skip


class _Comparison:
    """Distances of held-out training images and of new ones from the other training images."""

    def __init__(self, source: Features, targets: Mapping[str, Features], held_out: int) -> None:
        self.source, self.targets, self.held_out = source, targets, held_out
        self.unit = total_variance(source) or 1.0

    def draw(self, rng: np.random.Generator, resample: bool) -> Draws:
        """(1 + targets,): of held-out training images first, then of the same new images in all targets.

        resample: draw images with replacement, as the bootstrap does.
        """
        order = rng.permutation(len(self.source))
        held, rest = order[: self.held_out], order[self.held_out :]
        new = rng.permutation(len(self.targets[RAW]))[: self.held_out]
        if resample:  # within each part, so that no image stands on both sides
            held, rest = rng.choice(held, len(held)), rng.choice(rest, len(rest))
            new = rng.choice(len(self.targets[RAW]), self.held_out)
        others = self.source[rest]
        compared = (self.source[held], *(features[new] for features in self.targets.values()))
        return np.array([frechet_distance(others, features) for features in compared]) / self.unit


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
        steps.append(StepShift(name, _interval(excess[i], drawn[:, i]), closed, tuple(map(float, distances))))
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
    low, high = np.percentile(drawn, _LEVEL)
    return Interval(float(value), float(low), float(high))
