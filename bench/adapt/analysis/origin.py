"""Find the adaptations that start from a sweep's trainings: the file of a checkpoint is named by its training's key."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path

from bench.adapt.analysis.adaptation import Adaptation, make_adaptation
from bench.analysis.selection import select
from bench.errors import UserError
from bench.storage.confusions import Confusions
from bench.storage.records import Record
from bench.storage.store import Store, adaptations_in

_START = re.compile(r"from (\w+)\.safetensors")
"""In the words of a record, as `bench.adapt.start.Start.describe` writes them."""


class Adaptations:
    """The adaptations of a results folder, each read once, and its matrices only where it is shown.

    One that cannot be read is left out: the report of a sweep does not fail for it, and its own says what is wrong.
    """

    def __init__(self, results: Path) -> None:
        self._store = adaptations_in(results)
        self._load = cache(self._loaded)

    def from_trainings(self, keys: Iterable[str]) -> list[Adaptation]:
        """Return those, by name, that start from weights of these trainings and have a curve to show."""
        wanted = set(keys)
        named = [name for name, starts in self._starts.items() if wanted & starts]
        found = [one for name in named if (one := self._load(name)) is not None]
        return [one for one in found if one.plain and wanted & _start_keys(one.records)]

    @cached_property
    def _records(self) -> dict[str, list[Record]]:
        found = {}
        for name in self._store.sweeps():
            with suppress(UserError):
                found[name] = self._store.read(name)
        return found

    @cached_property
    def _starts(self) -> dict[str, set[str]]:
        return {name: _start_keys(records) for name, records in self._records.items()}

    def _loaded(self, name: str) -> Adaptation | None:
        try:
            found = select(self._records[name], self._store.read_plan(name).keys)
            return make_adaptation(name, found, Confusions(self._store.root, name).load)
        except UserError:
            return None


def sweeps_behind(name: str, results: Path) -> list[str]:
    """The sweeps whose weights an adaptation starts from, or did before its plan changed.

    Raises:
        UserError: broken records of the adaptation.
    """
    keys, store = _start_keys(adaptations_in(results).read(name)), Store(results)
    return [sweep for sweep in store.sweeps() if keys & _planned(store, sweep)] if keys else []


def _planned(store: Store, sweep: str) -> set[str]:
    try:
        return set(store.read_plan(sweep).keys)
    except UserError:
        return set()


def _start_keys(records: Iterable[Record]) -> set[str]:
    return {match[1] for record in records if (match := _START.match(record.words.get("start", "")))}
