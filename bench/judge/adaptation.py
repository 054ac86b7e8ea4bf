"""What records of an adaptation say: curves over labels with intervals, what the next labels bring, and where they end.

Images of the validation split are drawn with replacement, the same draws for every point, so that a difference between
two points is one between networks and not between images. Seeds are too few to be drawn: their spread, pooled over all
points, is added as noise (as in `bench.judge.draws`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from statistics import mean, variance

import numpy as np
from numpy.typing import NDArray

from bench.accuracy.bootstrap import RESAMPLES, Interval, image_draws, miou_draws
from bench.confusions import Confusions
from bench.errors import NothingToShowError
from bench.judge.seed_spread import SeedSpread
from bench.judge.select import select
from bench.records import Record
from bench.store import Store

NONE = "none"
AS_IS = "as_is"
_SPLIT = "val"
_LEVEL = (2.5, 97.5)


@dataclass(frozen=True)
class Line:
    """What a curve is of."""

    variant: str
    arm: str
    step: str


@dataclass(frozen=True)
class Point:
    """One budget of a line. miou: on the validation split, 0 to 1, mean over seeds, with its 95 % interval.

    test: the same on the test split, of the mean of the seeds, without interval. drawn: what miou could as well be.
    seconds: of a training, mean.
    """

    labels: int
    miou: Interval
    test: float
    seeds: int
    drawn: NDArray[np.float64]
    seconds: float
    updates: int


@dataclass(frozen=True)
class Gain:
    """From one budget to the next, in mIoU from 0 to 1."""

    start: int
    end: int
    gain: Interval

    @property
    def is_known(self) -> bool:
        """Whether the interval leaves out nothing gained."""
        return self.gain.low > 0 or self.gain.high < 0


@dataclass(frozen=True)
class Adaptation:
    """An adaptation as its records have it. curves: by line, points by ascending budget."""

    name: str
    records: Sequence[Record]
    failed: Sequence[Record]
    missing: int
    curves: Mapping[Line, Sequence[Point]]
    spread: SeedSpread | None

    @cached_property
    def plain(self) -> dict[Line, Sequence[Point]]:
        """The curves of trained networks without steps at inference."""
        return {line: points for line, points in self.curves.items() if line.step == NONE and line.arm != AS_IS}

    def as_is(self, variant: str, step: str = NONE) -> Point | None:
        """The network before any training; None where its head has other classes."""
        points = self.curves.get(Line(variant, AS_IS, step))
        return points[0] if points else None

    def gains(self, line: Line) -> list[Gain]:
        """From each budget to the next; from no label at all where the network could be judged as it is."""
        start = self.as_is(line.variant, line.step)
        points = [*([start] if start else []), *self.curves[line]]
        return [Gain(a.labels, b.labels, _difference(a, b)) for a, b in pairwise(points)]

    def levels_off(self, line: Line) -> Gain | None:
        """The step from the smallest budget after which no larger one is known to be better to the largest one.

        None where the last labels still bring something, or there is one budget.
        """
        points = self.curves[line]
        for index, point in enumerate(points[:-1]):
            gains = [_difference(point, later) for later in points[index + 1 :]]
            if all(gain.low <= 0 for gain in gains):
                return Gain(point.labels, points[-1].labels, gains[-1])
        return None

    def labels_for(self, line: Line, miou: float) -> Interval | None:
        """Labels at which the curve reaches an mIoU, straight between budgets over the logarithm of labels.

        None where it is not reached with all labels. An end that lies beyond them is infinite.
        """
        points = self.curves[line]
        value = _crossing(points, [point.miou.value for point in points], miou)
        if math.isinf(value):
            return None
        drawn = np.stack([point.drawn for point in points], axis=1)
        crossings = [_crossing(points, row.tolist(), miou) for row in drawn]
        low, high = np.percentile(crossings, _LEVEL, method="nearest")
        return Interval(value, min(value, float(low)), max(value, float(high)))

    def effect(self, line: Line, other: Line, labels: int) -> Interval | None:
        """mIoU of `other` less that of `line` at one budget; None where one has no such point."""
        pair = [next((p for p in self.curves.get(of, ()) if p.labels == labels), None) for of in (line, other)]
        first, second = pair
        return _difference(first, second) if first and second else None


def load_adaptation(store: Store, name: str) -> Adaptation:
    """Read one adaptation.

    Args:
        store: of adaptations, below results/adapt.

    Raises:
        UserError: no such adaptation.
        NothingToShowError: none of its trainings has ended.
    """
    found = select(store.read_known(name), store.read_plan(name))
    if not found.shown:
        raise NothingToShowError(f"no training of the adaptation {name!r} has ended. `bench adapt` goes on with it.")
    groups: dict[tuple[Line, int], list[Record]] = {}
    for record in found.shown:
        setting = record.setting
        line = Line(record.variant, setting["arm"], setting["step"])
        groups.setdefault((line, setting["labels"]), []).append(record)
    spread = _pooled(list(groups.values()))
    draw = _drawer(Confusions(store.root, name), spread)
    curves: dict[Line, list[Point]] = {}
    for (line, labels), runs in sorted(groups.items(), key=lambda item: item[0][1]):
        curves.setdefault(line, []).append(_point(labels, runs, draw(runs)))
    return Adaptation(name, found.shown, found.failed, found.missing, curves, spread)


def _drawer(confusions: Confusions, spread: SeedSpread | None) -> Callable[[Sequence[Record]], NDArray[np.float64]]:
    """Draws of the mean over the seeds of a point; images are drawn alike for all points."""
    draws: dict[int, NDArray[np.int64]] = {}

    def draw(runs: Sequence[Record]) -> NDArray[np.float64]:
        matrices = [m for run in runs if (m := confusions.load(run.key, _SPLIT)) is not None]
        if len(matrices) < len(runs):
            raise NothingToShowError(f"confusion matrices of {runs[0].key} are not in {confusions.results}.")
        images = len(matrices[0])
        if images not in draws:
            draws[images] = image_draws(images, RESAMPLES, np.random.default_rng([0, images]))
        drawn = miou_draws(matrices, draws[images])
        if spread is not None and runs[0].setting["arm"] != AS_IS:
            noise = np.random.default_rng(int(runs[0].key, 16)).standard_t(spread.freedom, RESAMPLES)
            drawn = drawn + spread.deviation / math.sqrt(len(runs)) * noise
        return drawn

    return draw


def _point(labels: int, runs: Sequence[Record], drawn: NDArray[np.float64]) -> Point:
    value = mean(run.metrics["miou_val"] for run in runs)
    low, high = np.nanpercentile(drawn, _LEVEL)
    return Point(
        labels, Interval(value, float(low), float(high)), mean(run.metrics["miou_test"] for run in runs), len(runs),
        drawn, mean(run.details["training_s"] for run in runs), runs[0].details["updates"],
    )  # fmt: skip


def _pooled(groups: Sequence[Sequence[Record]]) -> SeedSpread | None:
    """Between seeds, which change the images that are labelled too; over points without steps at inference."""
    several = [
        [run.metrics["miou_val"] for run in runs]
        for runs in groups
        if len(runs) > 1 and runs[0].setting["step"] == NONE
    ]
    freedom = sum(len(mious) - 1 for mious in several)
    if not freedom:
        return None
    squares = sum((len(mious) - 1) * variance(mious) for mious in several)
    return SeedSpread(math.sqrt(squares / freedom), freedom)


def _difference(first: Point, second: Point) -> Interval:
    low, high = np.nanpercentile(second.drawn - first.drawn, _LEVEL)
    return Interval(second.miou.value - first.miou.value, float(low), float(high))


def _crossing(points: Sequence[Point], mious: Sequence[float], wanted: float) -> float:
    """Labels; the smallest budget where it is reached there already, infinite where it is not reached."""
    if mious[0] >= wanted:
        return float(points[0].labels)
    for (a, before), (b, after) in pairwise(zip(points, mious, strict=True)):
        if before < wanted <= after:
            share = (wanted - before) / (after - before)
            return float(math.exp(math.log(a.labels) + share * math.log(b.labels / a.labels)))
    return math.inf
