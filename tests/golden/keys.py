"""From which parts the key of each record is made, and the same key once more from what the golden files hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.storage.records import make_key
from tests.golden.files import SHARED, Golden

WAYS: tuple[dict[str, Any], ...] = (
    {"made": "sweep"},
    {"made": "sweep, latency"},
    {"made": "adaptation, latency of a step"},
    {"made": "adaptation", "train_method": 3},
    {"made": "adaptation before train_method"},
)
"""The ways in which keys are and were made. Until 2026-11-27 the key of an adaptation held no `METHOD` of training.
Where `METHOD` is raised, add a line with the new one."""


@dataclass(frozen=True)
class Entry:
    """A golden record: its file, its id there, and the facts of its line."""

    file: str
    name: str
    facts: dict[str, Any]

    @property
    def key(self) -> str:
        """The key: the id without the number of one more record of the same key."""
        return self.name.partition("#")[0]

    @property
    def sweep(self) -> str:
        """The sweep, `adapt/NAME` of an adaptation."""
        return self.file.removeprefix("records/").rpartition("/")[0]

    @property
    def machine_id(self) -> str:
        """The machine that measured it."""
        return self.file.rpartition("/")[2]


def entries(golden: Golden) -> Iterator[Entry]:
    """Yield all records of the golden files."""
    for file, lines in golden.items():
        if file.startswith("records/"):
            yield from (Entry(file, name, json.loads(text)) for name, text in lines.items())


def key_again(entry: Entry, golden: Golden, code: str, made: str, train_method: int | None = None) -> str:
    """Make the key of a record from its spec and setting, a fingerprint of code, and one of `WAYS`."""
    facts = entry.facts
    shared = {name: json.loads(golden[file][facts[name]]) for name, file in SHARED.items()}
    spec, setting = shared["spec"], shared["setting"]
    here = {"machine": entry.machine_id, "versions": shared["versions"]}
    parts = {
        "sweep": {"group": facts["group"], "spec": spec["axes"]},
        "sweep, latency": {"group": facts["group"], "spec": spec["axes"], **here},
        "adaptation, latency of a step": {"group": "latency", "spec": spec["hash"], **here},
        "adaptation": {"method": setting.get("method"), "train_method": train_method, "spec": spec["hash"]},
        "adaptation before train_method": {"method": setting.get("method"), "spec": spec["hash"]},
    }
    return make_key(**parts[made], code=code, setting=setting)
