"""The front as a figure: mIoU against one cost. An info object (tested) and its drawing."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from adjustText import adjust_text
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bench.analysis.labels import backbone_labels, module_label
from bench.analysis.study import Study
from bench.metrics import METRICS, SCORE
from bench.render.figures.style import DIMMED_ALPHA, FRONT_LINE, MARKERS, PALETTE, RC, assign, use_plain_log_scale

_LABEL_STEPS = 200
"""Of moving labels apart: a number, since by the clock the same figure would differ with the machine's load."""
_WIDE = 12
"""Costs that span more than this many times would sit squeezed at the left of a linear axis."""
_FEW = 300
"""Points that are drawn one by one; of more, those behind the front become a picture without bars and numbers."""
_NUMBERS = 60
"""Points that bear their number; of more, those of the front, or some of these."""
_OVER_LINES = {"boxstyle": "square,pad=-0.1", "facecolor": "white", "alpha": 0.7, "linewidth": 0}
"""Ground of a number that a line may cross: tight, to cut into no marker."""
_KEYS = 12
"""Backbones, and blocks, that the legend names; of more, it says how many."""
WHOLE = "built as a whole"
"""Stands for the backbone of a network that has none of its own."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One variant in shown units (mIoU in percent); low and high are the spread."""

    number: int
    backbone: str
    module: str
    cost: float
    cost_low: float
    cost_high: float
    miou: float
    miou_low: float
    miou_high: float
    on_front: bool


@dataclass(frozen=True, kw_only=True)
class FrontInfo:
    """All that the figure shows."""

    metric: str
    title: str
    subtitle: str
    points: list[Point]
    band: list[tuple[float, float, float]]
    """Cost, and the ends of the 95 % interval of the best true mIoU within it, where that is known."""


def front_info(study: Study, metric: str) -> FrontInfo:
    """Collect the points of one cost axis; variants without that cost or without mIoU are left out."""
    scale, miou_scale = METRICS[metric].scale, METRICS[SCORE].scale
    points = []
    rows = study.rows
    for number, (row, backbone) in enumerate(zip(rows, backbone_labels(rows), strict=True), start=1):
        cost, miou = row.get(metric), row.get(SCORE)
        if cost is None or miou is None:
            continue
        points.append(
            Point(
                number=number,
                backbone=backbone or WHOLE,
                module=module_label(row),
                cost=cost * scale,
                cost_low=(row.get(f"{metric}_low") or cost) * scale,
                cost_high=(row.get(f"{metric}_high") or cost) * scale,
                miou=miou * miou_scale,
                miou_low=row["miou_val_low"] * miou_scale,
                miou_high=row["miou_val_high"] * miou_scale,
                on_front=row[f"on_front_{metric}"],
            )
        )
    label = METRICS[metric].label
    return FrontInfo(
        metric=metric,
        title=f"mIoU against {label}",
        subtitle=cost_setting_words(study, metric),
        points=points,
        band=_band(study, metric),
    )


def _band(study: Study, metric: str) -> list[tuple[float, float, float]]:
    if study.sureness is None or metric not in study.sureness.fronts:
        return []
    band, cost, miou = study.sureness.fronts[metric].band, METRICS[metric].scale, METRICS[SCORE].scale
    rows = zip(band.cost * cost, band.low * miou, band.high * miou, strict=True)
    known = [(float(at), float(low), float(high)) for at, low, high in rows if not math.isnan(low)]
    return known if len(known) > 1 else []  # of one cost there is nothing to see


def cost_setting_words(study: Study, metric: str) -> str:
    """With what the cost was measured, for the line under a title."""
    if metric == "parameters":
        return "the whole network"
    if not metric.startswith("latency"):
        width, height = study.cost.setting.size
        return f"one image of {width}x{height}"
    record = study.latency[metric]
    where = record.machine["gpu"] if record.setting.device == "cuda" else record.machine["cpu"]
    return f"{record.setting}\non {where}"


def save_front(info: FrontInfo, folder: Path) -> list[str]:
    """Draw the figure as PNG and SVG into `folder`; returns the file names."""
    with mpl.rc_context(RC):
        figure = draw_front(info)
        names = [f"front_{info.metric}.{ending}" for ending in ("png", "svg")]
        for name in names:
            metadata = {"Date": None} if name.endswith("svg") else {"Software": None}
            figure.savefig(folder / name, metadata=metadata, bbox_inches="tight")
    return names


def draw_front(info: FrontInfo) -> Figure:
    """Dominated points dimmed, the front joined by steps and numbered as in the table."""
    figure = Figure(figsize=(6.8, 5.2))
    axes = figure.add_subplot()
    colours = assign(sorted({p.backbone for p in info.points}), PALETTE)
    markers = assign(sorted({p.module for p in info.points}), MARKERS)
    _draw_band(axes, info.band)
    _draw_steps(axes, [p for p in info.points if p.on_front])
    drawn = info.points if len(info.points) <= _FEW else [p for p in info.points if p.on_front]
    _draw_cloud(axes, [p for p in info.points if len(drawn) < len(info.points) and not p.on_front], colours, markers)
    for point in sorted(drawn, key=lambda p: p.on_front):
        _draw_point(axes, point, colours[point.backbone], markers[point.module])
    _label_axes(axes, info)
    _add_legend(axes, colours, markers, bool(info.band))
    _number_points(axes, _numbered(info.points))
    return figure


def _numbered(points: list[Point]) -> list[Point]:
    """All, or those of the front, or some of these by cost: moving labels apart takes time."""
    if len(points) <= _NUMBERS:
        return points
    front = sorted((p for p in points if p.on_front), key=lambda p: p.cost)
    return front[:: -(-len(front) // _NUMBERS) or 1]


def _draw_cloud(axes: Axes, points: list[Point], colours: dict[str, str], markers: dict[str, str]) -> None:
    """Many points at once, as pixels in an SVG too."""
    kinds: dict[tuple[str, str], list[Point]] = defaultdict(list)
    for point in points:
        kinds[colours[point.backbone], markers[point.module]].append(point)
    for (colour, marker), some in kinds.items():
        axes.scatter(
            [p.cost for p in some],
            [p.miou for p in some],
            s=12,
            marker=marker,
            color=colour,
            alpha=DIMMED_ALPHA,
            linewidths=0,
            rasterized=True,
        )


def _draw_point(axes: Axes, point: Point, colour: str, marker: str) -> None:
    alpha = 1.0 if point.on_front else DIMMED_ALPHA
    size = 10 if point.on_front else 8
    axes.errorbar(
        point.cost,
        point.miou,
        xerr=[[max(0, point.cost - point.cost_low)], [max(0, point.cost_high - point.cost)]],
        yerr=[[max(0, point.miou - point.miou_low)], [max(0, point.miou_high - point.miou)]],
        fmt="none",
        ecolor=colour,
        elinewidth=1,
        alpha=0.45 if point.on_front else 0.15,
    )
    axes.plot(
        point.cost,
        point.miou,
        marker,
        color=colour,
        markersize=size,
        alpha=alpha,
        markeredgecolor="white",
        markeredgewidth=0.8,
    )


def _draw_steps(axes: Axes, front: list[Point]) -> None:
    """Within a budget the best is the last point to its left: hence steps, not slopes."""
    ordered = sorted(front, key=lambda p: p.cost)
    axes.plot(
        [p.cost for p in ordered],
        [p.miou for p in ordered],
        drawstyle="steps-post",
        color=FRONT_LINE,
        linewidth=1.3,
        zorder=1,
    )


def _draw_band(axes: Axes, band: list[tuple[float, float, float]]) -> None:
    """Where the front could as well have been."""
    if band:
        at, low, high = zip(*band, strict=True)
        axes.fill_between(at, low, high, step="post", color=FRONT_LINE, alpha=0.1, linewidth=0, zorder=0)


def _number_points(axes: Axes, points: list[Point]) -> None:
    texts = [
        axes.text(
            p.cost,
            p.miou,
            str(p.number),
            fontsize=11 if p.on_front else 9,
            fontweight="bold" if p.on_front else "normal",
            color="#111111" if p.on_front else "#757575",
            bbox=_OVER_LINES,
        )
        for p in points
    ]
    adjust_text(
        texts,
        x=[p.cost for p in points],
        y=[p.miou for p in points],
        ax=axes,
        expand=(1.5, 1.6),
        iter_lim=_LABEL_STEPS,
        arrowprops={"arrowstyle": "-", "color": "#bbbbbb", "linewidth": 0.6},
    )


def _label_axes(axes: Axes, info: FrontInfo) -> None:
    cost, miou = METRICS[info.metric], METRICS[SCORE]
    wide = _spans_wide([p.cost for p in info.points])
    if wide:
        use_plain_log_scale(axes, "x")
    axes.set_xlabel(f"← {cost.direction} · {cost.axis}{', log scale' if wide else ''}")
    axes.set_ylabel(f"{miou.heading} · {miou.direction} →")
    lines = info.subtitle.count("\n") + 1
    axes.set_title(info.title + "\n" * lines, loc="left", fontweight="bold")
    place = "baseline" if lines == 1 else "bottom"
    axes.text(0, 1.015, info.subtitle, transform=axes.transAxes, va=place, fontsize=9, color="#555555")
    axes.margins(x=0.08, y=0.08)


def _spans_wide(costs: list[float]) -> bool:
    return bool(costs) and min(costs) > 0 and max(costs) > _WIDE * min(costs)


def _add_legend(axes: Axes, colours: dict[str, str], markers: dict[str, str], has_band: bool) -> None:
    handles: list[Artist] = [
        Line2D([], [], marker="o", linestyle="", color=c, label=name) for name, c in list(colours.items())[:_KEYS]
    ]
    handles += _unnamed(colours, "backbones")
    named = list(markers.items())[:_KEYS]
    handles += [Line2D([], [], marker=m, linestyle="", color="#777777", label=name) for name, m in named]
    handles += _unnamed(markers, "blocks")
    handles.append(Line2D([], [], color=FRONT_LINE, label="Pareto front (numbers: table)"))
    if has_band:
        handles.append(Patch(color=FRONT_LINE, alpha=0.1, label="95 % interval of the true front"))
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3, frameon=False, fontsize=9)


def _unnamed(names: dict[str, str], what: str) -> list[Artist]:
    """How many more there are than the legend names; colours and shapes start over for them."""
    more = len(names) - _KEYS
    return [Line2D([], [], linestyle="", label=f"and {more} more {what}")] if more > 0 else []
