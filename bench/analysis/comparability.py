"""What numbers must have in common to stand side by side: data and schedule, image size, machine and clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.analysis.latency_records import setting_of
from bench.errors import UserError
from bench.storage.records import Group, Record


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Of one group of records: what must be alike, in words, and how to keep to one."""

    what: str
    group: Group
    same: Callable[[Record], dict[str, Any]]
    words: Callable[[Record], str]
    instead: str


@dataclass(frozen=True)
class Alike:
    """Records that stand side by side: the first of them, and the sweeps that they are of."""

    example: Record
    sweeps: Sequence[str]


def _same_training(record: Record) -> dict[str, Any]:
    ignored = ("seed", "weights", "device", "precision")
    return {name: value for name, value in record.setting.items() if name not in ignored}


def _training_words(record: Record) -> str:
    data = f"{record.setting['dataset']}: {record.words['data']}"
    return f"{data}; {record.words['schedule']}; {record.words['evaluation']}"


def _same_clock(record: Record) -> dict[str, Any]:
    setting = setting_of(record)
    return {
        "machine": record.machine_id,
        "torch": record.versions.get("torch"),
        "setting": setting.to_json() if setting else record.setting,
        "runtime_versions": record.setting.get("runtime_versions"),
    }


def _clock_words(record: Record) -> str:
    machine = record.machine["gpu"] if record.setting["device"] == "cuda" else record.machine["cpu"]
    setting = setting_of(record)
    how = str(setting) if setting else f"{record.setting['runtime']} at {'x'.join(map(str, record.setting['size']))}"
    return f"{how}; {machine} ({record.machine_id})"


KINDS = (
    Kind(
        what="data sets or schedules",
        group="accuracy",
        same=_same_training,
        words=_training_words,
        instead="name sweeps of one kind",
    ),
    Kind(
        what="image sizes or classes",
        group="cost",
        same=lambda r: {name: r.setting[name] for name in ("size", "classes")},
        words=lambda r: f"cost of one image of {'x'.join(map(str, r.setting['size']))}, {r.setting['classes']} classes",
        instead="name sweeps of one kind",
    ),
    Kind(
        what="machines or settings of the clock",
        group="latency",
        same=_same_clock,
        words=_clock_words,
        instead="name sweeps of one kind, or pass --machine with a part of a machine's id",
    ),
)
_OF_GROUP = {kind.group: kind for kind in KINDS}


def what_is_alike(record: Record) -> str:
    """Text that records have in common where they stand side by side."""
    return json.dumps(_OF_GROUP[record.group].same(record), sort_keys=True)


def the_one_setting(kind: Kind, found: Sequence[Alike]) -> list[str]:
    """In words; nothing where there are no such records.

    Args:
        found: in the order in which the sweeps have them.

    Raises:
        UserError: there are several.
    """
    if len(found) > 1:
        lines = "\n".join(
            f"  {', '.join(alike.sweeps)}: {words}" for alike, words in zip(found, _apart(kind, found), strict=True)
        )
        raise UserError(f"numbers of {len(found)} {kind.what} do not stand side by side; {kind.instead}:\n{lines}")
    return [kind.words(alike.example) for alike in found]


def _apart(kind: Kind, found: Sequence[Alike]) -> list[str]:
    """In words; where these are the same, with what differs all the same, such as the fingerprint of the images."""
    words = [kind.words(alike.example) for alike in found]
    if len(set(words)) == len(words):
        return words
    facts = [kind.same(alike.example) for alike in found]
    differing = [name for name in facts[0] if any(fact.get(name) != facts[0][name] for fact in facts)]
    return [
        f"{said}; {', '.join(f'{name} {json.dumps(fact.get(name))}' for name in differing)}"
        for said, fact in zip(words, facts, strict=True)
    ]
