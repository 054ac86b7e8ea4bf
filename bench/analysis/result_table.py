"""Join records into a table with a row a variant."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import mean, median, quantiles
from typing import Any

import pandas as pd

from bench.analysis.displayed_values import as_shown
from bench.analysis.labels import short_labels
from bench.analysis.latency_records import metric_of, samples_of
from bench.metrics import COST_METRICS, METRICS, P90, SCORE
from bench.stats.pareto import pareto_front
from bench.storage.records import AccuracyRecord, CostRecord, Group, ProcessRecord, Record

CENTRE: dict[Group, Callable[[Iterable[float]], float]] = {"cost": median, "latency": median, "accuracy": mean}
"""Of the repeats of a measurement."""

QUARTILES_FROM = 5
FEWEST_FOR_P90 = 64
"""Samples that a 90th percentile needs, as MLPerf's single-stream rule has it."""


def join_table(records: list[Record]) -> pd.DataFrame:
    """Join selected records by variant; sorted by descending validation mIoU.

    Columns: variant, label, spec axes, each metric with `_low` and `_high`, `on_front_<cost metric>`; flops, two a
    multiply-add; is_lower_bound, where operators of unknown cost make MACs and other figures lower bounds;
    other scores of the mIoU's predictions; `<latency metric>_p90` with `_samples`, of how many passes it is.
    """
    rows: dict[str, dict[str, Any]] = {}
    for (spec_hash, _, _), repeats in _by_measurement(records).items():
        first = repeats[0]
        row = rows.setdefault(spec_hash, {"variant": first.variant, **first.spec})
        row.update(over_repeats(repeats))
        if isinstance(first, AccuracyRecord):
            row.update(_other_scores(repeats))
        if isinstance(first, ProcessRecord):
            row.update(high_percentile([one for one in repeats if isinstance(one, ProcessRecord)]))
        if isinstance(first, CostRecord):
            row.update(flops=2 * row["macs"], is_lower_bound=bool(first.details["unknown_operators"]))
    table = pd.DataFrame(list(rows.values()))
    table = table.sort_values(SCORE, ascending=False, kind="stable", ignore_index=True)
    specs = {record.variant: record.spec for record in records}
    table.insert(1, "label", short_labels([specs[variant] for variant in table["variant"]]))
    scores = as_shown(SCORE, table[SCORE]).tolist()
    for metric in COST_METRICS:
        if metric in table:
            table[f"on_front_{metric}"] = pareto_front(as_shown(metric, table[metric]).tolist(), scores)
    return table


def over_repeats(records: list[Record]) -> dict[str, float]:
    """One set of numbers for the repeats of a measurement.

    Several seeds: mean and range. Several restarts: median and range, from five on quartiles, since
    the range of many is that of the worst disturbance. One repeat: its own numbers and spread.
    """
    if len(records) == 1:
        return dict(records[0].metrics)
    centre = CENTRE[records[0].group]
    numbers: dict[str, float] = {}
    for name in records[0].metrics:
        if not name.endswith(("_low", "_high")):
            values = [r.metrics[name] for r in records]
            low, high = _quartiles(values) if shows_quartiles(records[0].group, len(values)) else _range(values)
            numbers |= {name: centre(values), f"{name}_low": low, f"{name}_high": high}
    return numbers


def high_percentile(latency: Sequence[ProcessRecord]) -> dict[str, float]:
    """The 90th percentile over the passes of all processes, where they are enough, and how many they are."""
    samples = samples_of(latency)
    if len(samples) < FEWEST_FOR_P90:
        return {}
    name = f"{metric_of(latency[0])}{P90}"
    return {name: quantiles(samples, n=10, method="inclusive")[-1], f"{name}_samples": len(samples)}


def _other_scores(accuracy: list[Record]) -> dict[str, float]:
    """Those that all seeds have, their means."""
    kept: dict[str, list[float]] = defaultdict(list)
    for record in accuracy:
        for split in ("val", "test"):
            for name, score in record.details.get(f"scores_{split}", {}).items():
                kept[f"{name}_{split}"].append(score)
    return {name: mean(scores) for name, scores in kept.items() if len(scores) == len(accuracy)}


def shows_quartiles(group: Group, repeats: int) -> bool:
    """Whether the spread of so many repeats is given as quartiles."""
    return group == "latency" and repeats >= QUARTILES_FROM


def _quartiles(values: list[float]) -> tuple[float, float]:
    low, _, high = quantiles(values, n=4, method="inclusive")
    return low, high


def _range(values: list[float]) -> tuple[float, float]:
    return min(values), max(values)


def rows_in_order(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as plain dictionaries, NaN as None."""
    return [{str(k): _plain(v) for k, v in row.items()} for row in table.to_dict("records")]


def numbers_of(row: Mapping[str, Any]) -> dict[str, float]:
    """The metrics of a row that are known."""
    return {name: float(value) for name, value in row.items() if name in METRICS and value is not None}


def _by_measurement(records: list[Record]) -> dict[tuple[str, str, str], list[Record]]:
    """The repeats of each measurement: of a latency, those of one device and runtime."""
    groups: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for record in records:
        metric = metric_of(record) if isinstance(record, ProcessRecord) else ""
        groups[record.spec_hash, record.group, metric].append(record)
    return groups


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
