"""Study: the records of one sweep that may stand side by side, one row a variant."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import dataclass
from statistics import mean
from typing import Any

import pandas as pd

from bench.errors import UserError
from bench.judge.labels import short_labels
from bench.judge.pareto import pareto_front
from bench.metrics import COST_METRICS
from bench.records import Record

_NOT_A_SETTING = ("seed", "weights")
"""Fields of an accuracy's setting in which records of one study may differ: repeats, and the start
weights, which each backbone has of its own."""


@dataclass(frozen=True)
class Study:
    """What one report shows.

    `table` has a row a variant: variant, label, spec axes, each metric with its `_low` and `_high`,
    `on_front_<cost metric>`; sorted by descending mIoU.
    """

    name: str
    table: pd.DataFrame
    class_iou: dict[str, dict[str, float | None]]
    """Class IoU (0 to 1) of the first seed on the test split, by variant and class."""
    accuracy: Record
    cost: Record
    latency: dict[str, Record]
    """One example record for each group, by device for latency: the setting and the machine."""
    seeds: int
    failed: list[Record]
    left_out: list[str]
    """In words: records of other settings or machines that are not on these axes."""
    disagreements: list[str]
    """In words: MACs on which the two counters differ, or operators that nobody counted."""
    commits: list[str]

    @property
    def cost_metrics(self) -> list[str]:
        """The cost axes that have numbers."""
        return [m for m in COST_METRICS if m in self.table and self.table[m].notna().any()]


def make_study(name: str, records: list[Record]) -> Study:
    """Choose the newest setting of each group and join its records by variant.

    Raises:
        UserError: there is no accuracy or no cost to show.
    """
    good = _newest_by_key([r for r in records if r.status == "ok"])
    accuracy, old_accuracy = _newest_setting([r for r in good if r.group == "accuracy"])
    cost, old_cost = _newest_setting([r for r in good if r.group == "cost"])
    if not accuracy or not cost:
        missing = "accuracy" if not accuracy else "cost"
        raise UserError(f"sweep {name!r} has no {missing} record yet. Run `bench sweep {name}` to its end.")
    latency, old_latency = _latency_by_device([r for r in good if r.group == "latency"])
    shown = [*accuracy, *cost, *(r for records in latency.values() for r in records)]
    return Study(
        name=name,
        table=_table(accuracy, cost, latency),
        class_iou=_class_iou(accuracy),
        accuracy=accuracy[-1],
        cost=cost[-1],
        latency={device: records[-1] for device, records in latency.items()},
        seeds=len({r.setting["seed"] for r in accuracy}),
        failed=_still_failed(records),
        left_out=_left_out_words(old_accuracy, old_cost, old_latency),
        disagreements=_disagreements(cost),
        commits=sorted({r.commit for r in shown}),
    )


def _newest_by_key(records: list[Record]) -> list[Record]:
    ordered = sorted(records, key=lambda r: r.started)
    return list({r.key: r for r in ordered}.values())


def _setting_id(record: Record) -> str:
    """What records on one axis must share."""
    setting = {k: v for k, v in record.setting.items() if k not in _NOT_A_SETTING}
    if record.group == "latency":
        setting |= {"machine": record.machine_id, "torch": record.versions["torch"]}
    return json.dumps(setting, sort_keys=True)


def _newest_setting(records: list[Record]) -> tuple[list[Record], list[Record]]:
    """Split into the records of the newest setting, newest code of each variant, and the others."""
    if not records:
        return [], []
    newest = _setting_id(max(records, key=lambda r: r.started))
    same = [r for r in records if _setting_id(r) == newest]
    current = {(r.spec_hash, r.setting.get("seed")): r for r in sorted(same, key=lambda r: r.started)}
    kept = list(current.values())
    return kept, [r for r in records if r not in kept]


def _latency_by_device(records: list[Record]) -> tuple[dict[str, list[Record]], list[Record]]:
    by_device: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_device[record.setting["device"]].append(record)
    chosen = {device: _newest_setting(group) for device, group in by_device.items()}
    return {d: kept for d, (kept, _) in chosen.items()}, [r for _, old in chosen.values() for r in old]


def _table(accuracy: list[Record], cost: list[Record], latency: dict[str, list[Record]]) -> pd.DataFrame:
    specs = {r.spec_hash: r for r in [*cost, *accuracy]}
    rows: dict[str, dict[str, Any]] = {h: {"variant": r.variant, **r.spec} for h, r in specs.items()}
    for record in [*cost, *(r for records in latency.values() for r in records)]:
        rows.setdefault(record.spec_hash, {"variant": record.variant, **record.spec}).update(record.metrics)
    for spec_hash, seeds in _by_spec(accuracy).items():
        rows[spec_hash].update(_over_seeds(seeds))
    table = pd.DataFrame(list(rows.values()))
    table = table.sort_values("miou_val", ascending=False, kind="stable", ignore_index=True)
    table.insert(1, "label", short_labels(list(rows_in_order(table))))
    for metric in COST_METRICS:
        if metric in table:
            table[f"on_front_{metric}"] = pareto_front(list(table[metric]), list(table["miou_val"]))
    return table


def rows_in_order(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as plain dictionaries, NaN as None."""
    records = table.to_dict("records")
    return [{str(k): _plain(v) for k, v in row.items()} for row in records]


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _by_spec(records: list[Record]) -> dict[str, list[Record]]:
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        groups[record.spec_hash].append(record)
    return groups


def _over_seeds(records: list[Record]) -> dict[str, float]:
    """Mean over seeds, with the range of the seeds; with one seed, its interval over the images."""
    if len(records) == 1:
        return dict(records[0].metrics)
    result: dict[str, float] = {}
    for split in ("miou_val", "miou_test"):
        values = [r.metrics[split] for r in records]
        result |= {split: mean(values), f"{split}_low": min(values), f"{split}_high": max(values)}
    return result


def _class_iou(accuracy: list[Record]) -> dict[str, dict[str, float | None]]:
    first = {r.variant: r for r in sorted(accuracy, key=lambda r: -int(r.setting["seed"]))}
    return {
        variant: dict(zip(r.setting["classes"], r.details["class_iou_test"], strict=True))
        for variant, r in first.items()
    }


def _still_failed(records: list[Record]) -> list[Record]:
    """Failures whose key has no later success."""
    newest = {r.key: r for r in sorted(records, key=lambda r: r.started)}
    return [r for r in newest.values() if r.status == "failed"]


def _left_out_words(accuracy: list[Record], cost: list[Record], latency: list[Record]) -> list[str]:
    groups = {"accuracy": accuracy, "cost": cost, "latency": latency}
    return [
        f"{len(records)} {group} records of another setting, machine or older code"
        for group, records in groups.items()
        if records
    ]


def _disagreements(cost: list[Record]) -> list[str]:
    words = []
    for r in cost:
        if not r.details["counters_agree"]:
            words.append(f"{r.variant}: ptflops differs by {r.details['ptflops_difference']:+.1%}")
        if r.details["unknown_operators"]:
            names = ", ".join(r.details["unknown_operators"])
            words.append(f"{r.variant}: not counted: {names}")
    return words
