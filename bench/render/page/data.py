"""What the interactive page knows: one JSON island, in columns, made from the study alone.

Metrics travel whole, as they are stored, so that a pick on the page is the pick of `bench pick`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from bench.analysis.constraints import stored_per_shown
from bench.analysis.labels import backbone_labels, module_label
from bench.analysis.study import Study
from bench.metrics import METRICS, P90, SCORE
from bench.render.figures.front_figure import WHOLE, cost_setting_words
from bench.render.figures.style import MARKERS, PALETTE
from bench.render.page.details import details_of, doubts_by_variant
from bench.render.published import published_scores
from bench.render.tables import detail_table, result_table

_OPTIONS = {
    SCORE: ("miou", "%"),
    "macs": ("gmacs", ""),
    "parameters": ("params", "M"),
    "peak_bytes": ("memory", "MB"),
}
"""The option of `bench pick` and the unit behind its number."""
_SIZES = ("parameters", "weight_bytes", "float16_bytes", "int8_bytes")
"""Of the network alone, whatever the image."""
_SPREAD_DIGITS = 6


def page_data(study: Study) -> dict[str, Any]:
    """All of it as plain JSON values; a list in a column is in the order of the result table."""
    rows = study.rows
    backbones = [label or WHOLE for label in backbone_labels(rows)]
    modules = [module_label(row) for row in rows]
    headings = _headings(study)
    shown = dict.fromkeys([*headings, "macs"])
    latencies = [metric for metric in study.cost_metrics if metric.startswith("latency")]
    peak = ["peak_bytes"] if "peak_bytes" in headings else []
    others = [metric for metric in study.cost_metrics if metric not in latencies]
    return {
        "sweep": study.name,
        "x_axes": [*study.cost_metrics, *study.detail_metrics],
        "y_axes": [metric for metric in (SCORE, "miou_test") if metric in study.table],
        "limited": [SCORE, *others, *peak, *latencies],
        "metrics": {metric: _metric(study, metric, headings) for metric in shown},
        "names": [row["variant"] for row in rows],
        "labels": [row["label"] for row in rows],
        "backbone": coded(backbones, sorted(set(backbones))),
        "module": coded(modules, sorted(set(modules))),
        "values": {metric: _values(rows, metric) for metric in shown},
        "lower_bounds": [i for i, row in enumerate(rows) if row.get("is_lower_bound")],
        "fronts": {m: [i for i, row in enumerate(rows) if row[f"on_front_{m}"]] for m in study.cost_metrics},
        "axes": _spec_axes(study, rows),
        "doubts": doubts_by_variant(study, [row["variant"] for row in rows]),
        "published": [
            [score.name, score.parameters, score.input, score.pretraining, score.miou_test, score.source]
            for score in published_scores(study.accuracy.setting.dataset)
        ],
        "colours": len(PALETTE),
        "shapes": list(MARKERS),
        **details_of(study, [row["variant"] for row in rows]),
    }


def island(data: dict[str, Any] | None) -> Markup:
    """JSON text that no HTML parser takes for a tag."""
    text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704 - what could end the element is escaped


def coded(values: Sequence[Any], distinct: Sequence[Any]) -> dict[str, Any]:
    """A column of few values: the values, and for each row the place of its own; no places where it is one value."""
    if len(distinct) == 1:
        return {"values": list(distinct)}
    places = {json.dumps(value): place for place, value in enumerate(distinct)}
    return {"values": list(distinct), "index": [places[json.dumps(value)] for value in values]}


def _headings(study: Study) -> dict[str, str]:
    tables = (result_table(study), detail_table(study))
    return {metric: words for table in tables for metric, words in zip(table.metrics, table.headings, strict=True)}


def _metric(study: Study, key: str, headings: dict[str, str]) -> dict[str, Any]:
    metric = METRICS[key]
    told: dict[str, Any] = {
        "label": metric.label,
        "unit": metric.unit,
        "digits": metric.digits,
        "scale": metric.scale,
        "higher": metric.higher_is_better,
        "stored": stored_per_shown(key),
        "axis": metric.axis,
        "heading": headings.get(key, metric.heading),
        "meaning": metric.meaning,
        "setting": _setting(study, key),
    }
    return told | _pick_option(study, key)


def _setting(study: Study, key: str) -> str:
    """With what a cost was measured."""
    if METRICS[key].higher_is_better:
        return ""
    if key in _SIZES:
        return cost_setting_words(study, "parameters")
    return cost_setting_words(study, key.removesuffix(P90)).replace("\n", " ")


def _pick_option(study: Study, key: str) -> dict[str, str]:
    """How `bench pick` is told of the metric; nothing where it cannot be."""
    if key in _OPTIONS:
        option, unit = _OPTIONS[key]
        return {"option": option, "option_unit": unit}
    if key not in study.latency:
        return {}
    setting = study.latency[key].setting
    return {"option": "latency", "option_unit": "ms", "device": setting.device, "runtime": setting.runtime}


def _values(rows: Sequence[dict[str, Any]], metric: str) -> dict[str, list[Any]]:
    """The metric and, where there is one, its spread."""
    columns = {"value": [_plain(row.get(metric)) for row in rows]}
    for end in ("low", "high"):
        column = [_rounded(row.get(f"{metric}_{end}")) for row in rows]
        if any(value is not None for value in column):
            columns[end] = column
    return columns


def _plain(value: float | None) -> float | int | None:
    """Whole numbers without ".0": the same number to a reader of JSON, in fewer letters."""
    if value is None:
        return None
    number = float(value)
    return int(number) if number.is_integer() else number


def _rounded(value: float | None) -> float | int | None:
    return None if value is None else _plain(float(f"{value:.{_SPREAD_DIGITS}g}"))


def _spec_axes(study: Study, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The axes of the specs, by name; null where an axis does not apply."""
    specs = {record.variant: record.spec for record in study.records}
    ordered = [specs[row["variant"]] for row in rows]
    names = sorted({name for spec in ordered for name in spec})
    columns = {name: [spec.get(name) for spec in ordered] for name in names}
    return {name: coded(column, _distinct(column)) for name, column in columns.items()}


def _distinct(column: Sequence[Any]) -> list[Any]:
    return list({json.dumps(value): value for value in column}.values())
