"""Join records into a table with a row a variant."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from statistics import mean, median
from typing import Any

import pandas as pd

from bench.judge.labels import short_labels
from bench.judge.pareto import pareto_front
from bench.metrics import COST_METRICS
from bench.records import Group, Record

_CENTRE: dict[Group, Callable[[Iterable[float]], float]] = {"cost": median, "latency": median, "accuracy": mean}


def join_table(records: list[Record]) -> pd.DataFrame:
    """Join selected records by variant; sorted by descending validation mIoU.

    Columns: variant, label, spec axes, each metric with `_low` and `_high`, `on_front_<cost metric>`.
    """
    rows: dict[str, dict[str, Any]] = {}
    for (spec_hash, _, _), repeats in _by_measurement(records).items():
        first = repeats[0]
        rows.setdefault(spec_hash, {"variant": first.variant, **first.spec}).update(over_repeats(repeats))
    table = pd.DataFrame(list(rows.values()))
    table = table.sort_values("miou_val", ascending=False, kind="stable", ignore_index=True)
    table.insert(1, "label", short_labels(rows_in_order(table)))
    for metric in COST_METRICS:
        if metric in table:
            table[f"on_front_{metric}"] = pareto_front(list(table[metric]), list(table["miou_val"]))
    return table


def over_repeats(records: list[Record]) -> dict[str, float]:
    """One set of numbers for the repeats of a measurement.

    Several: centre and range of the repeats (accuracy: mean over seeds; latency: median over
    restarts). One: its own numbers and spread.
    """
    if len(records) == 1:
        return dict(records[0].metrics)
    centre = _CENTRE[records[0].group]
    numbers: dict[str, float] = {}
    for name in records[0].metrics:
        if not name.endswith(("_low", "_high")):
            values = [r.metrics[name] for r in records]
            numbers |= {name: centre(values), f"{name}_low": min(values), f"{name}_high": max(values)}
    return numbers


def rows_in_order(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as plain dictionaries, NaN as None."""
    return [{str(k): _plain(v) for k, v in row.items()} for row in table.to_dict("records")]


def _by_measurement(records: list[Record]) -> dict[tuple[str, str, str], list[Record]]:
    groups: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for record in records:
        groups[record.spec_hash, record.group, record.setting.get("device", "")].append(record)
    return groups


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
