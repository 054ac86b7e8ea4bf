"""What a results folder says of a sweep, read once at the door of a command and passed on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.storage.confusions import Confusions
from bench.storage.records import Record
from bench.storage.store import Plan, Store


@dataclass(frozen=True, kw_only=True)
class SweepResults:
    """One sweep.

    Attributes:
        records: All records of the sweep, oldest first in each file.
        plan: What its newest run consists of.
        everywhere: The records of all sweeps of the folder.
        confusions: The matrices that its trainings left, read where they are needed.
    """

    name: str
    records: Sequence[Record]
    plan: Plan
    everywhere: Sequence[Record]
    confusions: Confusions


def read_results(folder: Path, sweeps: Sequence[str]) -> Iterator[SweepResults]:
    """Read every record of the folder once, then yield the sweeps, each with its plan.

    Raises:
        UserError: A line is broken, or a sweep has no records or no plan.
    """
    store = Store(folder)
    by_sweep = store.read_by_sweep()
    everywhere = [record for records in by_sweep.values() for record in records]
    for name in sweeps:
        if not by_sweep.get(name):
            raise store.unknown(name)
        yield SweepResults(
            name=name,
            records=by_sweep[name],
            plan=store.read_plan(name),
            everywhere=everywhere,
            confusions=Confusions(folder, name),
        )
