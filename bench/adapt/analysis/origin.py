"""Which adaptations go on from which sweep's trainings: a checkpoint's file bears the key of its training's record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from pathlib import Path

from bench.adapt.analysis.adaptation import Adaptation, load_adaptation
from bench.errors import UserError
from bench.storage.records import Record
from bench.storage.store import Store, adaptations_in

_START = re.compile(r"from (\w+)\.safetensors")
"""In the words of a record, as `bench.adapt.start.Start.describe` writes them."""


def adaptations_from(sweep: str, results: Path) -> list[Adaptation]:
    """The adaptations, by name, that start from weights of a sweep's newest plan and have a curve to show.

    One that cannot be read is left out: the report of a sweep does not fail for it, and its own says what is wrong.

    Raises:
        UserError: the sweep has no plan.
    """
    keys = set(Store(results).read_plan(sweep))
    found = (_readable(adaptations_in(results), name, keys) for name in adaptations_in(results).sweeps())
    return [one for one in found if one is not None and one.plain and keys & _start_keys(one.records)]


def _readable(store: Store, name: str, keys: Set[str]) -> Adaptation | None:
    try:
        if keys.isdisjoint(_start_keys(store.read(name))):  # its matrices, the bulk of the work, need not be read
            return None
        return load_adaptation(store, name)
    except UserError:
        return None


def sweeps_behind(name: str, results: Path) -> list[str]:
    """The sweeps whose weights an adaptation starts from, or did before it was planned anew.

    Raises:
        UserError: broken records of the adaptation.
    """
    keys, store = _start_keys(adaptations_in(results).read(name)), Store(results)
    return [sweep for sweep in store.sweeps() if keys & _planned(store, sweep)] if keys else []


def _planned(store: Store, sweep: str) -> set[str]:
    try:
        return set(store.read_plan(sweep))
    except UserError:
        return set()


def _start_keys(records: Iterable[Record]) -> set[str]:
    return {match[1] for record in records if (match := _START.match(record.words.get("start", "")))}
