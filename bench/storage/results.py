"""What a results folder says of a sweep, read once at the door of a command and passed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
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


class Results:
    """A results folder: every record is read once, when the first sweep is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._store = Store(folder)

    def sweep(self, name: str) -> SweepResults:
        """One sweep with its plan.

        Raises:
            UserError: It has no records or no plan, or a line of any sweep is broken.
        """
        if name not in self._store.sweeps():
            raise self._store.unknown(name)
        plan, records = self._store.read_plan(name), self._by_sweep[name]
        if not records:
            raise self._store.unknown(name)
        return SweepResults(
            name=name,
            records=records,
            plan=plan,
            everywhere=self._everywhere,
            confusions=Confusions(self.folder, name),
        )

    @cached_property
    def _by_sweep(self) -> dict[str, list[Record]]:
        return self._store.read_by_sweep()

    @cached_property
    def _everywhere(self) -> list[Record]:
        return [record for records in self._by_sweep.values() for record in records]
