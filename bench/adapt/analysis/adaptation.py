"""What records of an adaptation say: what the next labels bring, where that ends, what arms and steps add.

A step is judged on the same networks, and an arm on the same labelled images: their differences are taken seed by seed.
Two budgets are not: their networks have seeds of their own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from statistics import mean, median

import numpy as np

from bench.adapt.analysis.curves import AS_IS, FULL, VAL, Line, Load, Point, Spreads, make_curves, noise
from bench.adapt.analysis.step_times import BATCH_NORM, StepTime, step_time
from bench.analysis.selection import Selection, select
from bench.errors import NothingToShowError
from bench.settings.adaptation import NO_STEP
from bench.stats.interval import PERCENTILES, Interval, percentile_interval
from bench.storage.confusions import Confusions
from bench.storage.records import AdaptationRecord, Record, StepRecord
from bench.storage.store import Store


@dataclass(frozen=True)
class Gain:
    """From one budget to a larger one, in mIoU from 0 to 1."""

    start: int
    end: int
    gain: Interval

    @property
    def is_known(self) -> bool:
        """Whether the interval leaves out nothing gained."""
        return self.gain.low > 0 or self.gain.high < 0


@dataclass(frozen=True)
class Plateau:
    """From where on no larger budget is known to be better. last: from there to the largest budget.

    hidden: the largest gain that could be there all the same, by the intervals.
    """

    start: int
    last: Gain
    hidden: float


@dataclass(frozen=True)
class Times:
    """How many times as long an update takes as one of full fine-tuning: median over trainings, with its quartiles."""

    ratio: Interval
    seconds: float
    """Of an update, median."""


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """An adaptation as its records have it. curves: by line, points by ascending budget.

    records, failed: of trainings. timings, failed_timings: of the steps' latencies, on the machine that planned last.
    """

    name: str
    records: Sequence[AdaptationRecord]
    failed: Sequence[AdaptationRecord]
    missing: int
    curves: Mapping[Line, Sequence[Point]]
    spreads: Spreads
    images: int
    """Of the validation split."""
    timings: Sequence[StepRecord] = ()
    failed_timings: Sequence[StepRecord] = ()
    _contrasts: dict[tuple[str, str, str], Spreads] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def plain(self) -> dict[Line, Sequence[Point]]:
        """The curves of trained networks without steps at inference."""
        return {line: points for line, points in self.curves.items() if line.step == NO_STEP and line.arm != AS_IS}

    @cached_property
    def budgets(self) -> list[int]:
        """Numbers of labels that some network was trained with, ascending."""
        return sorted({point.labels for points in self.plain.values() for point in points})

    @cached_property
    def variants(self) -> list[str]:
        """In the order of the plan."""
        return list(dict.fromkeys(record.variant for record in self.records))

    @cached_property
    def steps(self) -> list[str]:
        """At inference, but nothing, in the order of the plan."""
        return [step for step in dict.fromkeys(record.setting.step for record in self.records) if step != NO_STEP]

    @cached_property
    def clocked_steps(self) -> list[str]:
        """Those that take time: all but other batch-norm statistics alone."""
        return [step for step in self.steps if step != BATCH_NORM]

    def step_times(self, variant: str) -> dict[str, StepTime]:
        """By step what it takes beside a variant, in the order of the plan; without those that were not timed."""
        return {r.setting.step: step_time(r) for r in self.timings if r.variant == variant}

    @cached_property
    def stepped(self) -> list[Line]:
        """Trained lines that were judged with steps too; of a variant without one, the network as it is."""
        tried = {Line(line.variant, line.arm) for line in self.curves if line.step != NO_STEP}
        trained = [line for line in self.plain if line in tried]
        variants = {line.variant for line in trained}
        return [*trained, *(line for line in self.curves if line in tried and line.variant not in variants)]

    def as_is(self, variant: str, step: str = NO_STEP) -> Point | None:
        """The network before any training; None where its head has other classes."""
        points = self.curves.get(Line(variant, AS_IS, step))
        return points[0] if points else None

    def point(self, line: Line, labels: int) -> Point | None:
        """One budget of a line; None where nothing was trained there."""
        return next((point for point in self.curves.get(line, ()) if point.labels == labels), None)

    def ladder(self, line: Line) -> list[Point]:
        """The points of a line, behind the network as it is where that could be judged."""
        start = self.as_is(line.variant, line.step) if line.arm != AS_IS else None
        return [*([start] if start else []), *self.curves[line]]

    def gains(self, line: Line) -> list[Gain]:
        """From each budget to the next; from no label at all where the network could be judged as it is."""
        return [_gain(before, after) for before, after in pairwise(self.ladder(line))]

    def plateau(self, line: Line) -> Plateau | None:
        """The smallest budget after which no larger one is known to be better.

        None where the last labels still bring something, or there is one budget.
        """
        points = self.ladder(line)
        for index, point in enumerate(points[:-1]):
            gains = [_gain(point, later) for later in points[index + 1 :]]
            if all(gain.gain.low <= 0 for gain in gains):
                return Plateau(point.labels, gains[-1], max(gain.gain.high for gain in gains))
        return None

    def labels_for(self, line: Line, miou: float) -> Interval:
        """Labels at which the curve first reaches an mIoU, straight between budgets over the logarithm of labels.

        Infinite: not reached with all labels of the adaptation. The smallest budget stands for all below it.
        """
        points = self.ladder(line)
        value = _crossing(points, [point.miou.value for point in points], miou)
        drawn = np.stack([point.drawn for point in points], axis=1)
        crossings = [_crossing(points, row.tolist(), miou) for row in drawn]
        low, high = np.percentile(crossings, PERCENTILES, method="nearest")
        return Interval(value, min(value, float(low)), max(value, float(high)))

    def effect(self, line: Line, other: Line, labels: int) -> Interval | None:
        """mIoU of `other` less that of `line` at one budget, over the seeds that both have; None without such seeds."""
        first, second = self.point(line, labels), self.point(other, labels)
        seeds = _shared(first, second) if first and second else []
        if first is None or second is None or not seeds:
            return None
        drawn = np.mean([second.runs[seed].drawn - first.runs[seed].drawn for seed in seeds], axis=0)
        if line.arm != AS_IS:
            drawn = drawn + noise(self._contrast(line, other).at(labels), len(seeds), (line, other, labels))
        return percentile_interval(mean(second.runs[seed].miou - first.runs[seed].miou for seed in seeds), drawn)

    def times(self, variant: str, arm: str) -> Times | None:
        """Of an arm beside full fine-tuning, over trainings with the same labels on one machine; None without such."""
        other, full = self.curves.get(Line(variant, arm), ()), Line(variant, FULL)
        pairs = [
            (run.seconds_per_update, than.seconds_per_update)
            for point in other
            if (beside := self.point(full, point.labels)) is not None
            for seed, run in point.runs.items()
            if (than := beside.runs.get(seed)) is not None and than.machine == run.machine
        ]
        if not pairs:
            return None
        ratios = [ours / full for ours, full in pairs if full > 0]
        low, high = np.percentile(ratios, (25, 75))
        return Times(Interval(median(ratios), float(low), float(high)), median(ours for ours, _ in pairs))

    def _contrast(self, line: Line, other: Line) -> Spreads:
        """Spread of the differences between two arms or steps, over all variants; of steps, over all arms too."""
        kind = (line.step, other.step, "" if line.arm == other.arm else f"{line.arm} {other.arm}")
        if kind not in self._contrasts:
            self._contrasts[kind] = Spreads.of(
                (point.labels, [beside.runs[seed].miou - point.runs[seed].miou for seed in _shared(point, beside)])
                for of in self._like(line, other)
                for point in self.curves[of]
                if (beside := self.point(Line(of.variant, other.arm if kind[2] else of.arm, other.step), point.labels))
            )
        return self._contrasts[kind]

    def _like(self, line: Line, other: Line) -> list[Line]:
        any_arm = line.arm == other.arm
        return [
            of for of in self.curves if of.step == line.step and of.arm != AS_IS and (any_arm or of.arm == line.arm)
        ]


def load_adaptation(store: Store, name: str) -> Adaptation:
    """Read one adaptation.

    Args:
        store: of adaptations, below results/adapt.

    Raises:
        UserError: no such adaptation.
        NothingToShowError: none of its trainings has ended.
    """
    confusions = Confusions(store.root, name)
    return make_adaptation(name, select(store.read_known(name), store.read_plan(name).keys), confusions.load)


def make_adaptation(name: str, found: Selection, load: Load) -> Adaptation:
    """Of selected records.

    Raises:
        NothingToShowError: none of its trainings has ended, or matrices of one are missing.
    """
    shown, timings = _by_group(found.shown)
    failed, failed_timings = _by_group(found.failed)
    if not shown:
        raise NothingToShowError(f"no training of the adaptation {name!r} has ended. `bench adapt` goes on with it.")
    curves, spreads = make_curves(shown, load)
    matrices = load(shown[0].key, VAL)
    images = len(matrices) if matrices is not None else 0
    return Adaptation(
        name=name,
        records=shown,
        failed=failed,
        missing=found.missing,
        curves=curves,
        spreads=spreads,
        images=images,
        timings=timings,
        failed_timings=failed_timings,
    )


def _by_group(records: Sequence[Record]) -> tuple[list[AdaptationRecord], list[StepRecord]]:
    """Those of trainings, and those of the time of steps."""
    trainings = [r for r in records if isinstance(r, AdaptationRecord)]
    return trainings, [r for r in records if isinstance(r, StepRecord)]


def _shared(first: Point, second: Point) -> list[int]:
    return [seed for seed in first.runs if seed in second.runs]


def _gain(first: Point, second: Point) -> Gain:
    return Gain(
        first.labels,
        second.labels,
        percentile_interval(second.miou.value - first.miou.value, second.drawn - first.drawn),
    )


def _crossing(points: Sequence[Point], mious: Sequence[float], wanted: float) -> float:
    """Labels; the smallest budget where it is reached there already, infinite where it is not reached."""
    if mious[0] >= wanted:
        return float(points[0].labels)
    for (a, before), (b, after) in pairwise(zip(points, mious, strict=True)):
        if before < wanted <= after:
            if a.labels == 0:
                return float(b.labels)
            share = (wanted - before) / (after - before)
            return float(math.exp(math.log(a.labels) + share * math.log(b.labels / a.labels)))
    return math.inf
