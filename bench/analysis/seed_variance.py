"""How much the mIoU of a variant changes with the training seed, from variants that were trained by several.

Three seeds say little about one variant, but all variants together say how large the spread is: it is pooled over them,
as in an analysis of variance.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import variance

import numpy as np
from numpy.typing import NDArray

from bench.metrics import SCORE
from bench.storage.records import AccuracyRecord, Record

Training = tuple[Hashable, int, float]
"""What but the seed decides it, the seed, and the mIoU on the validation split, 0 to 1."""


@dataclass(frozen=True)
class SeedSpread:
    """deviation: standard deviation of the mIoU between seeds, 0 to 1. freedom: degrees of it.

    elsewhere: whether it is of other variants or schedules on the same data.
    """

    deviation: float
    freedom: int
    elsewhere: bool = False

    def describe(self) -> str:
        """In words."""
        where = ", of other trainings on the same data" if self.elsewhere else ""
        return f"{100 * self.deviation:.2f} points between seeds ({self.freedom} degrees of freedom{where})"


def seed_noise(spread: SeedSpread | None, seeds: int, rng: np.random.Generator, resamples: int) -> NDArray[np.float64]:
    """Return (resamples,) by how much the mean of so many seeds may be off.

    Student's t, since the spread is an estimate too; 0 where no spread is known.
    """
    if spread is None:
        return np.zeros(resamples)
    return spread.deviation / math.sqrt(seeds) * rng.standard_t(spread.freedom, resamples)


def seed_spread(accuracy: Sequence[AccuracyRecord], others: Iterable[Record] = ()) -> SeedSpread | None:
    """Pooled over the variants with several seeds; where there are none, over those of `others` on the same data.

    None where no variant on these data was trained by several seeds.
    """
    if not accuracy:
        return None
    return spread_of(map(training_of, accuracy), lambda: map(training_of, trained_on(others, *data_of(accuracy[0]))))


def spread_of(own: Iterable[Training], others: Callable[[], Iterable[Training]]) -> SeedSpread | None:
    """As `seed_spread`; the others, which are on the same data, are only asked for where they are needed."""
    found = _pooled(own)
    if found is not None:
        return found
    elsewhere = _pooled(others())
    return elsewhere and replace(elsewhere, elsewhere=True)


def training_of(record: AccuracyRecord) -> Training:
    """What an accuracy says about seeds."""
    return but_for_the_seed(record), record.setting.seed, record.metrics[SCORE]


def but_for_the_seed(record: AccuracyRecord) -> str:
    """Text that an accuracy shares with those of other seeds alone: variant and setting."""
    setting = {name: value for name, value in record.setting.to_json().items() if name != "seed"}
    return f"{record.spec_hash} {json.dumps(setting, sort_keys=True)}"


def data_of(record: AccuracyRecord) -> tuple[str, str]:
    """Name and fingerprint of the data that a training was on."""
    return record.setting.dataset, record.setting.data_fingerprint


def trained_on(records: Iterable[Record], dataset: str, fingerprint: str) -> Iterable[AccuracyRecord]:
    """The trainings on some data that have ended well."""
    return (
        record
        for record in records
        if isinstance(record, AccuracyRecord) and record.status == "ok" and data_of(record) == (dataset, fingerprint)
    )


def _pooled(trainings: Iterable[Training]) -> SeedSpread | None:
    """Over groups of one variant under one setting."""
    groups: dict[Hashable, dict[int, float]] = {}
    for group, seed, miou in trainings:
        groups.setdefault(group, {})[seed] = miou
    several = [list(mious.values()) for mious in groups.values() if len(mious) > 1]
    freedom = sum(len(mious) - 1 for mious in several)
    if not freedom:
        return None
    squares = sum((len(mious) - 1) * variance(mious) for mious in several)
    return SeedSpread(math.sqrt(squares / freedom), freedom)
