"""What a decision reads, wherever it is kept: whole records or packed columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench.analysis.comparability import Alike
from bench.analysis.seed_variance import Training
from bench.metrics import SCORE
from bench.storage.records import GROUPS, Group, ProcessRecord

LOW, HIGH = f"{SCORE}_low", f"{SCORE}_high"
"""Ends of the interval over the images that a training's record holds."""


def with_score(metrics: Sequence[str]) -> list[str]:
    """Some metrics, the validation mIoU and its ends; each once."""
    return list(dict.fromkeys((*metrics, SCORE, LOW, HIGH)))


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The records that a decision may use, one a row, in the order of the plans.

    group: place in `GROUPS`. variant: place in `names`. spec: one number a spec, from 0, in the order in which they
    appear. values: by metric, NaN where a record has none; with `miou_val` also its ends.
    images: (rows, 2), the lowest and the highest mIoU that draws over the images of a training give, -inf and inf where
    that is not known; NaN where there are no matrices of its images.
    """

    keys: Sequence[str]
    group: NDArray[np.int64]
    spec: NDArray[np.int64]
    variant: NDArray[np.int64]
    names: Sequence[str]
    values: dict[str, NDArray[np.float64]]
    images: NDArray[np.float64]

    def of(self, group: Group) -> NDArray[np.int64]:
        """Places of the rows of a group."""
        return np.flatnonzero(self.group == GROUPS.index(group))


class Evidence(Protocol):
    """The planned records of some sweeps, without latencies that are not asked for."""

    def alike(self, group: Group) -> list[Alike]:
        """Sets that stand side by side, in the order in which they appear."""

    def rows(self) -> Rows:
        """All records, with the values of the metrics that were asked for."""

    def trainings(self) -> Iterable[Training]:
        """Those among them."""

    def trainings_on(self, dataset: str, fingerprint: str) -> Iterable[Training]:
        """All that there are on the same data, in any sweep."""

    def over_images(self, row: int) -> NDArray[np.float64] | None:
        """(resamples,) mIoU of a training on drawn images of the validation split; None without their matrices.

        Args:
            row: its place in `rows`.
        """

    def images_of(self, key: str) -> int:
        """In the validation split, by the matrices of a training; 0: it left none."""

    def latencies_of(self, variant: str) -> list[ProcessRecord]:
        """The whole records, for what is doubtful about them."""

    def latencies_there(self) -> list[str]:
        """Metric and machine of all planned latencies, also of those that are not asked for; sorted."""


class Source(Protocol):
    """Where records are kept."""

    def choose(self, sweeps: Sequence[str], metrics: Sequence[str], machine: str) -> Evidence:
        """Take the planned records of some sweeps.

        Args:
            sweeps: none: all.
            metrics: to know. Latencies of other metrics are left out.
            machine: so are those of machines whose id does not contain this.

        Raises:
            UserError: no such sweep, or it has no plan.
        """
