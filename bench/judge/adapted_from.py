"""Which adaptations go on from which sweep's trainings: a checkpoint's file bears the key of its training's record."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from bench.adaptations import adaptations_in
from bench.judge.adaptation import Adaptation, load_adaptation
from bench.records import Record
from bench.store import Store

_START = re.compile(r"from (\w+)\.safetensors")
"""In the words of a record, as `bench.adapt.start.Start.describe` writes them."""


def adaptations_from(sweep: str, results: Path) -> list[Adaptation]:
    """The adaptations, by name, that start from weights of a sweep's newest plan and have a curve to show.

    Raises:
        UserError: broken records.
    """
    keys, store = set(Store(results).read_plan(sweep)), adaptations_in(results)
    ended = {
        name: [r for r in store.read(name) if r.group == "adaptation" and r.status == "ok"] for name in store.sweeps()
    }
    found = [load_adaptation(store, name) for name, records in ended.items() if keys & _start_keys(records)]
    return [adaptation for adaptation in found if adaptation.plain]


def sweeps_behind(adaptation: Adaptation, results: Path) -> list[str]:
    """The sweeps whose weights an adaptation starts from.

    Raises:
        UserError: broken records.
    """
    keys, store = _start_keys(adaptation.records), Store(results)
    return [sweep for sweep in store.sweeps() if keys & set(store.read_plan(sweep))]


def _start_keys(records: Iterable[Record]) -> set[str]:
    return {match[1] for record in records if (match := _START.match(record.words.get("start", "")))}
