"""How much seeds differ in an adaptation, by budget: with eight labels, chance chooses more than with all.

Seeds are too few to be drawn: their spread is pooled over lines, and over neighbouring budgets until it is known well
enough, and added as noise (as in `bench.judge.draws`).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import variance
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.accuracy.bootstrap import RESAMPLES
from bench.judge.seed_spread import SeedSpread

_ENOUGH = 4
"""Degrees of freedom: with 2, an interval is half as wide again."""
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
    if spread is None:
        return np.zeros(RESAMPLES)
    digest = hashlib.sha256(repr(of).encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8]))
    drawn: NDArray[np.float64] = spread.deviation / math.sqrt(seeds) * rng.standard_t(spread.freedom, RESAMPLES)
    return drawn
