"""Whether a counter agrees with ours: exactly, kind by kind of operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.cost.audit.reading import Failure, Reading

_KEYS = ("counter", "operator", "reason")


@dataclass(frozen=True, kw_only=True)
class LeftOver:
    """A difference that no step explains, in multiply-adds of one kind of operator."""

    counter: str
    kind: str
    ours: int
    theirs: int
    no_formula: tuple[str, ...]
    """What the counter ran without a formula, where that may be why."""

    def __str__(self) -> str:
        text = (
            f"{self.kind}: ours {self.ours:,}, {self.counter} {self.theirs:,}, {self.theirs - self.ours:+,} unexplained"
        )
        return f"{text}; it has no formula for {', '.join(self.no_formula)}" if self.no_formula else text


@dataclass(frozen=True)
class Audited:
    """One variant: our reading, and what every other counter made of it."""

    variant: str
    ours: Reading | Failure
    others: tuple[Reading | Failure, ...]

    @property
    def left_over(self) -> tuple[LeftOver, ...]:
        if isinstance(self.ours, Failure):
            return ()
        return tuple(over for other in self.others if isinstance(other, Reading) for over in compare(self.ours, other))

    @property
    def problems(self) -> tuple[str, ...]:
        """In words: figures that are missing, operators without a formula, and what is left over. None: all agree."""
        found = [f"{one.counter}: {one.reason}" for one in (self.ours, *self.others) if isinstance(one, Failure)]
        if isinstance(self.ours, Reading) and self.ours.no_formula:
            found.append(f"ours has no formula for {', '.join(self.ours.no_formula)}")
        return (*found, *map(str, self.left_over))

    @property
    def agrees(self) -> bool:
        return not self.problems


def compare(ours: Reading, theirs: Reading) -> tuple[LeftOver, ...]:
    """What is left over between two readings after their steps: nothing where they agree to the last multiply-add."""
    kinds = dict.fromkeys([*ours.by_kind, *theirs.by_kind])
    return tuple(
        LeftOver(
            counter=theirs.counter,
            kind=kind,
            ours=ours.by_kind.get(kind, 0),
            theirs=theirs.by_kind.get(kind, 0),
            no_formula=tuple(theirs.no_formula),
        )
        for kind in kinds
        if ours.by_kind.get(kind, 0) != theirs.by_kind.get(kind, 0)
    )


def explained(audited: Sequence[Audited]) -> list[dict[str, Any]]:
    """Steps of all variants, added up by counter, operator and reason."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for one in audited:
        for reading in readings(one):
            for step in reading.steps:
                key = (reading.counter, step.operator, step.reason)
                row = rows.setdefault(key, dict(zip(_KEYS, key, strict=True)) | {"variants": 0, "calls": 0, "macs": 0})
                row["variants"] += 1
                row["macs"] += step.macs
                row["calls"] = None if step.calls is None or row["calls"] is None else row["calls"] + step.calls
    return [rows[key] for key in sorted(rows, key=lambda key: (key[0], key[2], key[1]))]


def readings(one: Audited) -> list[Reading]:
    """Of the other counters, those that counted it."""
    return [reading for reading in one.others if isinstance(reading, Reading)]
