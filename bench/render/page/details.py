"""What a variant's card tells beyond its metrics: class IoU, cost by part, samples of its latency, doubts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from bench.analysis.latency_records import metric_of
from bench.analysis.latency_warnings import network_lines, trust_lines
from bench.analysis.study import Study
from bench.cost.figures import PARTS, Cost, cost_from_json
from bench.storage.records import AccuracyRecord, CostRecord, ProcessRecord, Record

MOST_DETAILED = 200
"""Variants of a study that still takes details along: with more, the file would be too large to mail."""
_Kind = TypeVar("_Kind", ProcessRecord, AccuracyRecord)
MOST_SAMPLES = 60
"""That are drawn of one latency of one variant."""


def details_of(study: Study, variants: Sequence[str]) -> dict[str, Any]:
    """Columns by variant, of a study that is not too large; null for a variant that lacks one."""
    if len(variants) > MOST_DETAILED:
        return {}
    return {
        "classes": list(next(iter(study.class_iou.values()))),
        "class_iou": [_class_iou(study, variant) for variant in variants],
        "parts": _parts(study, variants),
        "samples": _samples(study, variants),
    }


def doubts_by_variant(study: Study, variants: Sequence[str]) -> dict[int, list[str]]:
    """What is doubtful about each, by its place; variants without doubts are left out."""
    latency, accuracy = _by_variant(study.records, ProcessRecord), _by_variant(study.records, AccuracyRecord)
    unknown = {r.variant: r.details["unknown_operators"] for r in study.records if isinstance(r, CostRecord)}
    found = {}
    for place, variant in enumerate(variants):
        times, runs = latency.get(variant, []), accuracy.get(variant, [])
        lines = [*trust_lines(times), *network_lines(times, runs)]
        if unknown.get(variant):
            lines.append(f"not counted, so its costs are lower bounds: {', '.join(unknown[variant])}")
        if lines:
            found[place] = lines
    return found


def thinned(samples: Sequence[float], most: int) -> list[float]:
    """At most so many of them, evenly over their order; the first and the last stay."""
    if len(samples) <= most:
        return list(samples)
    return [samples[round(i * (len(samples) - 1) / max(most - 1, 1))] for i in range(most)]


def _by_variant(records: Iterable[Record], kind: type[_Kind]) -> dict[str, list[_Kind]]:
    found: dict[str, list[_Kind]] = defaultdict(list)
    for record in records:
        if isinstance(record, kind):
            found[record.variant].append(record)
    return found


def _class_iou(study: Study, variant: str) -> list[float | None] | None:
    values = study.class_iou.get(variant)
    return values and [None if value is None else round(value, 4) for value in values.values()]  # type: ignore[return-value]


def _parts(study: Study, variants: Sequence[str]) -> dict[str, Any]:
    """MACs and parameters of each part, in the order in which the parts run."""
    costs = {
        record.variant: cost_from_json(record.details)
        for record in study.records
        if isinstance(record, CostRecord) and "work" in record.details
    }
    names = [part for part in PARTS if any(_has(cost, part) for cost in costs.values())]
    return {
        "names": names,
        "macs": [_of_parts(costs.get(v), names, "macs") for v in variants],
        "parameters": [_of_parts(costs.get(v), names, "parameters") for v in variants],
    }


def _has(cost: Cost, part: str) -> bool:
    """Whether the part multiplies or holds weights."""
    return any(_figure(cost, part, what) for what in ("macs", "parameters"))


def _of_parts(cost: Cost | None, names: Sequence[str], what: str) -> list[int] | None:
    return None if cost is None else [_figure(cost, name, what) for name in names]


def _figure(cost: Cost, part: str, what: str) -> int:
    if what == "macs":
        return sum(work.macs for work in cost.work.get(part, {}).values())
    return sum(weights.parameters for weights in cost.weights.get(part, {}).values())


def _samples(study: Study, variants: Sequence[str]) -> dict[str, list[dict[str, Any] | None]]:
    """By latency: of each variant, how many passes there were and some of each process."""
    latency = _by_variant(study.records, ProcessRecord)
    return {
        metric: [_drawn([r for r in latency.get(v, []) if metric_of(r) == metric]) for v in variants]
        for metric in study.latency
    }


def _drawn(processes: Sequence[ProcessRecord]) -> dict[str, Any] | None:
    taken = [record.details["samples_ms"] for record in processes if record.details.get("samples_ms")]
    if not taken:
        return None
    most = max(1, MOST_SAMPLES // len(taken))
    return {
        "passes": sum(map(len, taken)),
        "processes": [[float(f"{ms:.4g}") for ms in thinned(samples, most)] for samples in taken],
    }
