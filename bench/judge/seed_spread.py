"""How much the mIoU of a variant changes with the training seed, from variants that were trained by several.

Three seeds say little about one variant, but all variants together say how large the spread is: it is pooled over them,
as in an analysis of variance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import variance

from bench.records import Record

_SCORE = "miou_val"


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


def seed_spread(accuracy: Sequence[Record], others: Iterable[Record] = ()) -> SeedSpread | None:
    """Pooled over the variants with several seeds; where there are none, over those of `others` on the same data.

    None where no variant on these data was trained by several seeds.
    """
    own = _pooled(accuracy)
    if own is not None or not accuracy:
        return own
    data = _data(accuracy[0])
    found = _pooled([r for r in others if r.group == "accuracy" and r.status == "ok" and _data(r) == data])
    return found and SeedSpread(found.deviation, found.freedom, elsewhere=True)


def _data(record: Record) -> tuple[object, ...]:
    return record.setting["dataset"], record.setting.get("data_fingerprint")


def _pooled(accuracy: Iterable[Record]) -> SeedSpread | None:
    """Over groups of one variant under one setting."""
    groups: dict[str, dict[int, float]] = {}
    for record in accuracy:
        setting = {name: value for name, value in record.setting.items() if name != "seed"}
        groups.setdefault(f"{record.spec_hash} {setting}", {})[record.setting["seed"]] = record.metrics[_SCORE]
    several = [list(mious.values()) for mious in groups.values() if len(mious) > 1]
    freedom = sum(len(mious) - 1 for mious in several)
    if not freedom:
        return None
    squares = sum((len(mious) - 1) * variance(mious) for mious in several)
    return SeedSpread(math.sqrt(squares / freedom), freedom)
