"""The result table as text cells: the same for Markdown, HTML and the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.analysis.labels import axis_words
from bench.analysis.study import Study
from bench.metrics import BOUNDED, LOWER_BOUND, METRICS, P90, SCORE
from bench.stats.interval import Interval

_HALF_A_TENTH, _NOTHING = 0.05, 1e-4
_LEAST_CHANCE = 0.01
"""Of being on a front, from which a variant is said."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One variant; `front` names the cost axes on whose front it lies."""

    number: int
    variant: str
    label: str
    cells: list[str]
    front: list[str]


@dataclass(frozen=True)
class ResultTable:
    """Headings with units, and rows by descending validation mIoU."""

    metrics: list[str]
    headings: list[str]
    rows: list[Row]


def result_table(study: Study) -> ResultTable:
    """Lay the study out; a value with a spread is followed by its range."""
    costs = study.cost_metrics
    metrics = [SCORE, "miou_test", *costs]
    rows = [
        Row(
            number=number,
            variant=row["variant"],
            label=row["label"],
            cells=[_cell(row, metric) for metric in metrics],
            front=[METRICS[m].label for m in costs if row[f"on_front_{m}"]],
        )
        for number, row in enumerate(study.rows, start=1)
    ]
    return ResultTable(metrics, [_heading(study, m) for m in metrics], rows)


def detail_table(study: Study) -> ResultTable:
    """The other figures of the variants' cost; the same rows, in the same order."""
    return _further_table(study, study.detail_metrics)


def score_table(study: Study) -> ResultTable:
    """Other scores of the predictions that the mIoU is of; the same rows, in the same order."""
    return _further_table(study, study.score_metrics)


def _further_table(study: Study, metrics: list[str]) -> ResultTable:
    rows = [
        Row(
            number=number,
            variant=row["variant"],
            label=row["label"],
            cells=[_cell(row, metric) for metric in metrics],
            front=[],
        )
        for number, row in enumerate(study.rows, start=1)
    ]
    return ResultTable(metrics, [_heading(study, m) for m in metrics], rows)


def difference_table(study: Study) -> ResultTable:
    """What the module adds to the plain network around it: mIoU in points with intervals, and costs in per cent."""
    rows = {row["variant"]: (number, row) for number, row in enumerate(study.rows, start=1)}
    lines = []
    for difference in sorted(study.differences, key=lambda d: rows[d.variant][0]):
        number, row = rows[difference.variant]
        plain_number, plain = rows[difference.plain]
        points = [_points(difference.miou[split]) for split in ("val", "test")]
        costs = [_per_cent_more(row.get(m), plain.get(m)) for m in study.cost_metrics]
        lines.append(
            Row(
                number=number,
                variant=difference.variant,
                label=row["label"],
                cells=[str(plain_number), *points, *costs],
                front=[],
            )
        )
    labels = [METRICS[m].label for m in study.cost_metrics]
    return ResultTable(study.cost_metrics, ["against #", "mIoU val (points)", "mIoU test (points)", *labels], lines)


def sureness_table(study: Study) -> ResultTable:
    """The variants that are on a front in some draws: in which share of them, and which are tied in mIoU."""
    sure = study.sureness
    if sure is None:
        return ResultTable([], [], [])
    metrics = [metric for metric in study.cost_metrics if metric in sure.fronts]
    group_of = {variant: number for number, group in enumerate(sure.ties, start=1) for variant in group}
    rows = []
    for number, row in enumerate(study.rows, start=1):
        chances = [sure.fronts[metric].chances.get(row["variant"]) for metric in metrics]
        if any(chance and chance >= _LEAST_CHANCE for chance in chances):
            cells = [str(group_of[row["variant"]]), *(_chance(chance) for chance in chances)]
            rows.append(Row(number=number, variant=row["variant"], label=row["label"], cells=cells, front=[]))
    return ResultTable(metrics, ["tied in mIoU", *(METRICS[m].label for m in metrics)], rows)


def effect_table(study: Study) -> ResultTable:
    """What changing one axis does, all else equal; `number` counts the pairs."""
    if study.sureness is None:
        return ResultTable([], [], [])
    effects = study.sureness.effects
    metrics = [m for m in study.cost_metrics if any(m in effect.costs for effect in effects)]
    rows = []
    for effect in effects:
        change = f"{axis_words(effect.axis, effect.before)} → {axis_words(effect.axis, effect.after)}"
        costs = [_per_cent_more(effect.costs.get(metric), 1.0) for metric in metrics]
        rows.append(
            Row(number=effect.pairs, variant=effect.axis, label=change, cells=[_points(effect.miou), *costs], front=[])
        )
    return ResultTable(metrics, ["mIoU val (points)", *(METRICS[m].label for m in metrics)], rows)


def _chance(chance: float | None) -> str:
    return "–" if chance is None else f"{100 * chance:.0f} %"


def _points(difference: Interval) -> str:
    value, low, high = (signed(100 * share) for share in (difference.value, difference.low, difference.high))
    return f"{value} ({low} to {high})"


def signed(points: float) -> str:
    """To a tenth, or to the first digit that is not 0: whether an interval holds 0 is to be read off its ends."""
    if abs(points) < _NOTHING:
        return "+0.0"
    return f"{points:+.1g}" if abs(points) < _HALF_A_TENTH else f"{points:+.1f}"


def _per_cent_more(value: float | None, than: float | None) -> str:
    return "–" if value is None or not than else f"{value / than - 1:+.1%}".replace("%", " %")


def _heading(study: Study, metric: str) -> str:
    """Label and unit; for what depends on it also the size of the image, or all of the clock's setting."""
    heading = METRICS[metric].heading
    if metric in ("macs", "flops"):
        return f"{heading} at {'x'.join(map(str, study.cost.setting.size))}"
    if metric.endswith(P90):
        return _latency_heading(study, metric.removesuffix(P90), f"90th percentile of {_passes(study, metric)} passes")
    if metric.startswith("latency"):
        return _latency_heading(study, metric, "latency")
    return heading


def _latency_heading(study: Study, metric: str, what: str) -> str:
    return f"{what} (ms): {study.latency[metric].setting}"


def _passes(study: Study, metric: str) -> str:
    """How many samples a percentile is of: "66", or "60 to 66" where variants differ."""
    counts = study.table[f"{metric}_samples"].dropna().astype(int)
    return str(counts.min()) if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"


def _cell(row: dict[str, Any], name: str) -> str:
    metric, value = METRICS[name], row.get(name)
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    if value is None or low is None or high is None:
        mark = LOWER_BOUND if value is not None and name in BOUNDED and row.get("is_lower_bound") else ""
        return f"{mark}{metric.show(value)}"
    return f"{metric.show(value)} ({metric.show(low)}–{metric.show(high)})"
