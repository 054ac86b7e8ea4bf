"""What a decision stands on: variants that were measured alike, and draws of what could as well have been measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.confusions import Confusions
from bench.errors import NothingToShowError, UserError
from bench.judge.draws import Draws, draw_latencies, draw_mious
from bench.judge.join import join_table, numbers_of, rows_in_order
from bench.judge.latency_doubts import trust_lines
from bench.judge.latency_records import metric_of, setting_of
from bench.judge.pick import Candidate
from bench.judge.seed_spread import SeedSpread, seed_spread
from bench.judge.select import select
from bench.records import Group, Record
from bench.store import Store


@dataclass(frozen=True)
class Grounds:
    """candidates: those of whom all metrics are known. draws: by metric and variant, of those that are uncertain."""

    candidates: Sequence[Candidate]
    labels: Mapping[str, str]
    draws: Mapping[str, Mapping[str, Draws]]
    settings: Sequence[str]
    """In words: the data and schedule, the size that cost is of, the clock and its machine."""
    incomplete: Sequence[str]
    """Variants that lack one of the metrics."""
    data: str
    """The fingerprint of the images and their masks."""
    spread: SeedSpread | None
    """Between seeds; None: no variant on these data was trained by several, and draws are over images alone."""
    doubts: Mapping[str, Sequence[str]]
    """By variant: why a latency that decides cannot be trusted."""


def load_grounds(store: Store, sweeps: Sequence[str], metrics: Sequence[str], machine: str = "") -> Grounds:
    """Read what a decision by `metrics` stands on.

    Args:
        sweeps: to choose from; none: all.
        metrics: that decide; with a latency its records must be of one machine and setting.
        machine: only latencies of machines whose id contains this.

    Raises:
        UserError: no such sweep, or their numbers do not stand side by side, with what to pass instead.
        NothingToShowError: no variant has all the metrics.
    """
    names = list(sweeps) or store.sweeps()
    shown = {name: select(store.read_known(name), store.read_plan(name)).shown for name in names}
    latencies = [metric for metric in metrics if metric.startswith("latency")]
    used = {name: [r for r in some if _is_used(r, latencies, machine)] for name, some in shown.items()}
    settings = [_settings(used, kind) for kind in _KINDS]
    records = list({r.key: r for some in used.values() for r in some}.values())
    accuracy = [r for r in records if r.group == "accuracy"]
    rows = rows_in_order(join_table(records)) if accuracy else []
    complete = [row for row in rows if all(row.get(metric) is not None for metric in metrics)]
    if not complete:
        raise _nothing(metrics, machine, [r for some in shown.values() for r in some])
    candidates = [Candidate(row["variant"], numbers_of(row)) for row in complete]
    draws: dict[str, Mapping[str, Draws]] = {metric: draw_latencies(records, metric) for metric in latencies}
    spread = seed_spread(accuracy, store.read())
    draws["miou_val"] = draw_mious(accuracy, Confusions(store.root, names[0]), spread)
    return Grounds(
        candidates, {row["variant"]: row["label"] for row in complete}, draws,
        [line for lines in settings for line in lines], [row["variant"] for row in rows if row not in complete],
        accuracy[0].setting.get("data_fingerprint", ""), spread, _doubts([r for r in records if r.group == "latency"]),
    )  # fmt: skip


def _doubts(latency: Sequence[Record]) -> dict[str, list[str]]:
    by_variant: dict[str, list[Record]] = {}
    for record in latency:
        by_variant.setdefault(record.variant, []).append(record)
    return {variant: trust_lines(records) for variant, records in by_variant.items()}


def _is_used(record: Record, latencies: Sequence[str], machine: str) -> bool:
    return record.group != "latency" or (metric_of(record) in latencies and machine in record.machine_id)


@dataclass(frozen=True)
class _Kind:
    """What must be alike: of which records, what of them, in words, and how to keep to one."""

    what: str
    group: Group
    same: Callable[[Record], Any]
    words: Callable[[Record], str]
    instead: str


def _same_training(record: Record) -> Any:
    ignored = ("seed", "weights", "device", "precision")
    return {name: value for name, value in record.setting.items() if name not in ignored}


def _training_words(record: Record) -> str:
    data = f"{record.setting['dataset']}: {record.words['data']}"
    return f"{data}; {record.words['schedule']}; {record.words['evaluation']}"


def _same_clock(record: Record) -> Any:
    setting = setting_of(record)
    of_record = [setting.to_json() if setting else record.setting, record.setting.get("runtime_versions")]
    return [record.machine_id, record.versions.get("torch"), *of_record]


def _clock_words(record: Record) -> str:
    machine = record.machine["gpu"] if record.setting["device"] == "cuda" else record.machine["cpu"]
    setting = setting_of(record)
    how = str(setting) if setting else f"{record.setting['runtime']} at {'x'.join(map(str, record.setting['size']))}"
    return f"{how}; {machine} ({record.machine_id})"


_KINDS = (
    _Kind("data sets or schedules", "accuracy", _same_training, _training_words, "name sweeps of one kind"),
    _Kind(
        "image sizes or classes", "cost", lambda r: [r.setting["size"], r.setting["classes"]],
        lambda r: f"cost of one image of {'x'.join(map(str, r.setting['size']))}, {r.setting['classes']} classes",
        "name sweeps of one kind",
    ),
    _Kind(
        "machines or settings of the clock", "latency", _same_clock, _clock_words,
        "name sweeps of one kind, or pass --machine with a part of a machine's id",
    ),
)  # fmt: skip


def _settings(used: Mapping[str, Sequence[Record]], kind: _Kind) -> list[str]:
    """The one setting of a kind, in words; nothing where there are no such records.

    Raises:
        UserError: there are several.
    """
    sweeps: dict[str, list[str]] = {}
    examples: dict[str, Record] = {}
    for name, records in used.items():
        for record in records:
            if record.group == kind.group:
                same = json.dumps(kind.same(record), sort_keys=True)
                examples.setdefault(same, record)
                if name not in sweeps.setdefault(same, []):
                    sweeps[same].append(name)
    if len(examples) > 1:
        lines = "\n".join(f"  {', '.join(sweeps[same])}: {kind.words(record)}" for same, record in examples.items())
        raise UserError(f"numbers of {len(examples)} {kind.what} do not stand side by side; {kind.instead}:\n{lines}")
    return [kind.words(record) for record in examples.values()]


def _nothing(metrics: Sequence[str], machine: str, records: Sequence[Record]) -> NothingToShowError:
    """Says which latencies there are, where one is missing."""
    there = sorted({f"{metric_of(r)} on {r.machine_id}" for r in records if r.group == "latency"})
    clocks = f" Latencies that are there: {', '.join(there) or 'none'}." if any("latency" in m for m in metrics) else ""
    where = f" on a machine like {machine!r}" if machine else ""
    return NothingToShowError(f"no variant here has {', '.join(metrics)}{where}.{clocks} `bench sweep` measures.")
