"""The points of adaptation curves: one budget of a line, with what its mIoU could as well have been.

Images of the validation split are drawn with replacement, the same draws for every network, so that a difference is one
between networks and not between images.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, variance
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.analysis.seed_variance import SeedSpread, seed_noise
from bench.errors import NothingToShowError
from bench.settings.adaptation import NO_STEP
from bench.stats.bootstrap import image_draws, miou_draws
from bench.stats.interval import RESAMPLES, Interval, percentile_interval
from bench.storage.confusions import Matrices
from bench.storage.records import AdaptationRecord

AS_IS = "as_is"
FULL = "full"
VAL, TEST = "val", "test"
Draws = NDArray[np.float64]
"""(resamples,)"""
Load = Callable[[str, str], Matrices | None]
"""(images, classes, classes), by the key of a record and the split."""
_ENOUGH = 4
"""Degrees of freedom: with 2, an interval is half as wide again."""


@dataclass(frozen=True)
class Line:
    """What a curve is of."""

    variant: str
    arm: str
    step: str = NO_STEP


@dataclass(frozen=True, kw_only=True)
class Run:
    """One network of a point. miou: on the validation split, 0 to 1. drawn: the same on drawn images."""

    miou: float
    drawn: Draws
    seconds_per_update: float
    """Of its training, whole: with building the network, and with features of a frozen backbone that were new."""
    machine: str


@dataclass(frozen=True, kw_only=True)
class Point:
    """One budget of a line. runs: by seed. miou: mean over seeds, 0 to 1, with its 95 % interval.

    test: the same on the test split; None of a step at inference, which shall not be chosen by it.
    drawn: what miou could as well be, by images and seeds.
    """

    labels: int
    runs: Mapping[int, Run]
    miou: Interval
    test: Interval | None
    drawn: Draws
    updates: int

    @property
    def seeds(self) -> int:
        """How many networks it is the mean of."""
        return len(self.runs)


def make_curves(records: Sequence[AdaptationRecord], load: Load) -> tuple[dict[Line, list[Point]], Spreads]:
    """By line its points by ascending budget, and the spread between seeds at each budget.

    Raises:
        NothingToShowError: matrices of a record are not there.
    """
    groups: dict[tuple[Line, int], dict[int, AdaptationRecord]] = {}
    for record in records:
        setting = record.setting
        line = Line(record.variant, setting.arm, setting.step)
        groups.setdefault((line, setting.labels), {})[setting.seed] = record
    spreads = {split: Spreads.of(_trained(groups, f"miou_{split}")) for split in (VAL, TEST)}
    draw = _drawer(load)
    curves: dict[Line, list[Point]] = {}
    for (line, labels), by_seed in sorted(groups.items(), key=lambda item: item[0][1]):
        curves.setdefault(line, []).append(
            _point(line, labels, by_seed=dict(sorted(by_seed.items())), draw=draw, spreads=spreads)
        )
    return curves, spreads[VAL]


def _trained(
    groups: Mapping[tuple[Line, int], Mapping[int, AdaptationRecord]], metric: str
) -> Iterator[tuple[int, list[float]]]:
    """Labels and the numbers of all seeds, of each trained point; a step adds no network."""
    for (line, labels), by_seed in groups.items():
        if line.step == NO_STEP and line.arm != AS_IS:
            yield labels, [run.metrics[metric] for run in by_seed.values()]


def _point(
    line: Line,
    labels: int,
    by_seed: Mapping[int, AdaptationRecord],
    draw: Callable[[AdaptationRecord, str], Draws],
    spreads: Mapping[str, Spreads],
) -> Point:
    updates = next(iter(by_seed.values())).details["updates"]
    runs = {
        seed: Run(
            miou=record.metrics[f"miou_{VAL}"],
            drawn=draw(record, VAL),
            seconds_per_update=record.details["training_s"] / max(1, updates),
            machine=record.machine_id,
        )
        for seed, record in by_seed.items()
    }
    of_split = {VAL: [run.drawn for run in runs.values()]}
    if line.step == NO_STEP:
        of_split[TEST] = [draw(record, TEST) for record in by_seed.values()]
    drawn: dict[str, Draws] = {split: np.mean(draws, axis=0) for split, draws in of_split.items()}
    if line.arm != AS_IS:
        for split, spread in spreads.items():
            of = line.variant, line.arm, labels, split
            drawn |= {split: drawn[split] + noise(spread.at(labels), len(runs), of)} if split in drawn else {}
    found = {
        split: percentile_interval(
            mean(record.metrics[f"miou_{split}"] for record in by_seed.values()), np.clip(draws, 0, 1)
        )
        for split, draws in drawn.items()
    }
    return Point(labels=labels, runs=runs, miou=found[VAL], test=found.get(TEST), drawn=drawn[VAL], updates=updates)


def _drawer(load: Load) -> Callable[[AdaptationRecord, str], Draws]:
    draws: dict[tuple[str, int], NDArray[np.int64]] = {}

    def draw(record: AdaptationRecord, split: str) -> Draws:
        matrices = load(record.key, split)
        if matrices is None:
            raise NothingToShowError(
                f"the confusion matrices of the training {record.key} are missing. Bring its .npz file back, or delete "
                "its record, and `bench adapt` trains it again."
            )
        of = split, len(matrices)
        if of not in draws:
            draws[of] = image_draws(len(matrices), RESAMPLES, np.random.default_rng([0, len(matrices)]))
        return miou_draws([matrices], draws[of])

    return draw


Place = int
"""A number of labels."""


@dataclass(frozen=True)
class Spreads:
    """squares: by budget, the sum of squares of deviations from the means of its points, and their freedom."""

    squares: dict[Place, tuple[float, int]]

    @classmethod
    def of(cls, points: Iterable[tuple[Place, list[float]]]) -> Spreads:
        """Of numbers at budgets, one a seed; those of one seed alone say nothing."""
        squares: dict[Place, tuple[float, int]] = {}
        for place, numbers in points:
            more = len(numbers) - 1
            if more > 0:
                total, freedom = squares.get(place, (0.0, 0))
                squares[place] = total + more * variance(numbers), freedom + more
        return cls(squares)

    def at(self, place: Place) -> SeedSpread | None:
        """At a budget, and at the nearest others until it is known well enough; None where no budget has two seeds."""
        total, freedom = 0.0, 0
        near = sorted(self.squares, key=lambda other: abs(math.log((1 + other) / (1 + place))))
        for other in near:
            if freedom >= _ENOUGH:
                break
            more, of = self.squares[other]
            total, freedom = total + more, freedom + of
        return SeedSpread(math.sqrt(total / freedom), freedom) if freedom else None


def noise(spread: SeedSpread | None, seeds: int, of: Any) -> NDArray[np.float64]:
    """(resamples,) by how much the mean of so many seeds may be off; Student's t, since the spread is an estimate too.

    Args:
        of: what it is of: the same has the same noise.
    """
    digest = hashlib.sha256(repr(of).encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8]))
    return seed_noise(spread, seeds, rng, RESAMPLES)
