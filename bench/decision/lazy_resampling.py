"""Draws of many variants, made for those that are asked for, and how far the draws of the others can reach.

A latency's draws lie between its fastest and its slowest process. Where the draws over images were made before, their
ends are known. Errors that are drawn from a normal or from Student's t reach as far as all of them together pass with a
chance below `MISSED`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from bench.analysis.resampling import WIDTH, Draws, Run, draw_latency, draw_miou
from bench.analysis.seed_variance import SeedSpread
from bench.decision.evidence import HIGH, LOW, Evidence, Rows
from bench.metrics import SCORE
from bench.stats.interval import RESAMPLES

MISSED = 1e-9
"""Chance that any draw of any variant lies beyond the ends that are given for it."""
Ends = tuple[NDArray[np.float64], NDArray[np.float64]]
_ROUNDING = 1e-12


class Drawn(Mapping[str, Draws]):
    """By variant, draws of one metric, made anew each time; a measurement's draws are always the same."""

    def __init__(self, rows: Rows, places: NDArray[np.int64]) -> None:
        """Args: places: of the rows that are drawn, in `rows`."""
        self._rows = rows
        of_rows = rows.variant[places]
        self._places = places[np.argsort(of_rows, kind="stable")]
        variants, self._counts = np.unique(of_rows, return_counts=True)
        self._starts = np.cumsum(self._counts) - self._counts
        self._numbers = {rows.names[variant]: number for number, variant in enumerate(variants.tolist())}

    def __getitem__(self, variant: str) -> Draws:
        number = self._numbers[variant]
        start = self._starts[number]
        return self._draw(self._places[start : start + self._counts[number]])

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def fewest_runs(self, variants: Iterable[str]) -> int:
        """Trainings, or processes, of that one of some variants that has the fewest; 0 of none."""
        return min((int(self._counts[self._numbers[variant]]) for variant in variants), default=0)

    def ends(self, variants: Sequence[str]) -> Ends:
        """Lowest and highest that the draws of some variants can be; NaN of those without draws."""
        numbers = np.array([self._numbers.get(variant, -1) for variant in variants], np.int64)
        low, high = (np.append(ends, np.nan)[numbers] for ends in self._all_ends())
        return low, high

    @abstractmethod
    def _draw(self, places: NDArray[np.int64]) -> Draws: ...

    @abstractmethod
    def _all_ends(self) -> Ends:
        """Of all variants in order."""

    def _mean(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Over the runs of each variant."""
        return np.asarray(np.add.reduceat(values[self._places], self._starts) / self._counts)


class DrawnLatencies(Drawn):
    """Of a metric, over processes."""

    def __init__(self, rows: Rows, metric: str) -> None:
        places = rows.of("latency")
        self._values = rows.values[metric]
        super().__init__(rows, places[~np.isnan(self._values[places])])

    def _draw(self, places: NDArray[np.int64]) -> Draws:
        return draw_latency([Run(self._rows.keys[i], float(self._values[i])) for i in places.tolist()])

    def _all_ends(self) -> Ends:
        if not self:
            return np.empty(0), np.empty(0)
        values = self._values[self._places]
        return np.minimum.reduceat(values, self._starts), np.maximum.reduceat(values, self._starts)


class DrawnMious(Drawn):
    """Over images and seeds."""

    def __init__(self, rows: Rows, evidence: Evidence, spread: SeedSpread | None) -> None:
        super().__init__(rows, rows.of("accuracy"))
        self._evidence, self._spread = evidence, spread

    def _draw(self, places: NDArray[np.int64]) -> Draws:
        score, low, high = (self._rows.values[name] for name in (SCORE, LOW, HIGH))
        numbers = places.tolist()
        runs = [Run(self._rows.keys[i], float(score[i]), float(high[i]) - float(low[i])) for i in numbers]
        return draw_miou(runs, [self._evidence.over_images(i) for i in numbers], self._spread)

    def _all_ends(self) -> Ends:
        numbers = 2 * RESAMPLES * len(self)
        beyond = MISSED / (2 * numbers) if numbers else 1.0
        score, low, high = (self._rows.values[name] for name in (SCORE, LOW, HIGH))
        reach = -float(ndtri(beyond)) * self._mean((high - low) / WIDTH)
        value = self._mean(score)
        images = [self._mean(self._rows.images[:, end]) for end in (0, 1)]
        ends = [np.where(np.isnan(of), value + sign * reach, of) for sign, of in zip((-1, 1), images, strict=True)]
        noise = _ROUNDING + self._noise(beyond)
        return ends[0] - noise, ends[1] + noise

    def _noise(self, beyond: float) -> NDArray[np.float64]:
        if self._spread is None:
            return np.zeros(len(self))
        reach = self._spread.deviation * -float(stdtrit(self._spread.freedom, beyond))
        return np.asarray(reach / np.sqrt(self._counts))
