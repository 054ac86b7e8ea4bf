"""What numbers must have in common to stand side by side: data and schedule, image size, machine and clock."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.errors import UserError
from bench.storage.records import AccuracyRecord, CostRecord, Group, ProcessRecord, Record


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Of one group of records: what must be alike, and how to keep to one."""

    what: str
    group: Group
    instead: str


KINDS = (
    Kind(what="data sets or schedules", group="accuracy", instead="name sweeps of one kind"),
    Kind(what="image sizes or classes", group="cost", instead="name sweeps of one kind"),
    Kind(
        what="machines or settings of the clock",
        group="latency",
        instead="name sweeps of one kind, or pass --machine with a part of a machine's id",
    ),
)


@dataclass(frozen=True)
class Alike:
    """Records that stand side by side: the first of them, and the sweeps that they are of."""

    example: Record
    sweeps: Sequence[str]


def what_is_alike(record: Record) -> str:
    """Text that records have in common where they stand side by side."""
    return json.dumps(_same(record), sort_keys=True)


def setting_words(record: Record) -> str:
    """With what it was measured, for readers."""
    match record:
        case CostRecord(setting=setting):
            width, height = setting.size
            return f"cost of one image of {width}x{height}, {setting.classes} classes"
        case ProcessRecord(setting=setting):
            machine = record.machine["gpu"] if setting.device == "cuda" else record.machine["cpu"]
            return f"{setting}; {machine} ({record.machine_id})"
        case AccuracyRecord(setting=setting):
            data = f"{setting.dataset}: {record.words['data']}"
            return f"{data}; {record.words['schedule']}; {record.words['evaluation']}"
    raise AssertionError(f"{record.group} is of no sweep")


def _same(record: Record) -> dict[str, Any]:
    match record:
        case CostRecord(setting=setting):
            return {"size": setting.size, "classes": setting.classes}
        case ProcessRecord(setting=setting):
            return {
                "machine": record.machine_id,
                "torch": record.versions.get("torch"),
                "setting": setting.clock.to_json(),
                "method": setting.method,
                "runtime_versions": setting.runtime_versions,
            }
        case AccuracyRecord(setting=setting):
            ignored = ("seed", "weights", "device", "precision")
            return {name: value for name, value in setting.to_json().items() if name not in ignored}
    raise AssertionError(f"{record.group} is of no sweep")


def the_one_setting(kind: Kind, found: Sequence[Alike]) -> list[str]:
    """In words; nothing where there are no such records.

    Args:
        found: in the order in which the sweeps have them.

    Raises:
        UserError: there are several.
    """
    if len(found) > 1:
        lines = "\n".join(
            f"  {', '.join(alike.sweeps)}: {words}" for alike, words in zip(found, _apart(found), strict=True)
        )
        raise UserError(f"numbers of {len(found)} {kind.what} do not stand side by side; {kind.instead}:\n{lines}")
    return [setting_words(alike.example) for alike in found]


def _apart(found: Sequence[Alike]) -> list[str]:
    """In words; where these are the same, with what differs all the same, such as the fingerprint of the images."""
    words = [setting_words(alike.example) for alike in found]
    if len(set(words)) == len(words):
        return words
    facts = [_same(alike.example) for alike in found]
    differing = [name for name in facts[0] if any(fact.get(name) != facts[0][name] for fact in facts)]
    return [
        f"{said}; {', '.join(f'{name} {json.dumps(fact.get(name))}' for name in differing)}"
        for said, fact in zip(words, facts, strict=True)
    ]
