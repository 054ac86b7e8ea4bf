"""The costs of a space as a figure: parameters against MACs. An info object (tested) and its drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from adjustText import adjust_text
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.cost.published import PublishedNetwork
from bench.metrics import METRICS
from bench.render.figures.style import FRONT_LINE, MARKERS, PALETTE, RC, use_plain_log_scale

_LABEL_STEPS = 200
"""Of moving labels apart: a number, not a time, so that the figure is the same on a busy machine."""
_MANY = 300
"""Variants from which points are small and see-through."""
_BEYOND = "#c8c8c8"


@dataclass(frozen=True)
class CostPoints:
    """Variants of one backbone in shown units: MACs in G, parameters in M."""

    backbone: str
    macs: list[float]
    parameters: list[float]


@dataclass(frozen=True, kw_only=True)
class CostFigureInfo:
    """All that the figure shows. beyond: variants out of the budget; published: not measured here, with sources."""

    title: str
    subtitle: str
    groups: list[CostPoints]
    beyond: CostPoints
    published: list[PublishedNetwork]
    max_gmacs: float | None
    max_parameters_m: float | None
    metric: str


def cost_figure_info(
    table: pd.DataFrame,
    beyond: pd.DataFrame,
    title: str,
    published: Sequence[PublishedNetwork],
    limits: tuple[float | None, int | None],
    metric: str = "macs",
) -> CostFigureInfo:
    """Collect the points of a cost table.

    Args:
        table: variants within the budget, of `bench.analysis.cost_table.cost_table`; beyond: the others, perhaps none.
        published: reference points; those of another input size are left out.
        limits: most GMACs and most parameters.
        metric: "macs", or "flops" for two a multiply-add.
    """
    whole = table if len(table) else beyond
    size = (int(whole["width"].iloc[0]), int(whole["height"].iloc[0]))
    groups = [_points(str(name), rows, metric) for name, rows in table.groupby("backbone_label", sort=True)]
    per_mac = 2 if metric == "flops" else 1
    return CostFigureInfo(
        title=title,
        subtitle=f"one image of {size[0]}x{size[1]}, {int(whole['classes'].iloc[0])} classes",
        groups=groups,
        beyond=_points("", beyond, metric),
        published=[p for p in published if p.size == size],
        max_gmacs=None if limits[0] is None else limits[0] * per_mac,
        max_parameters_m=None if limits[1] is None else limits[1] / 1e6,
        metric=metric,
    )


def save_cost_figure(info: CostFigureInfo, folder: Path) -> list[Path]:
    """Draw the figure as cost_space.png and cost_space.svg into `folder`."""
    paths = [folder / f"cost_space.{ending}" for ending in ("png", "svg")]
    with mpl.rc_context(RC):
        figure = draw_costs(info)
        for path in paths:
            metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
            figure.savefig(path, metadata=metadata, bbox_inches="tight")
    return paths


def draw_costs(info: CostFigureInfo) -> Figure:
    """Variants by colour and marker of their backbone, published networks as named crosses."""
    figure = Figure(figsize=(8.2, 6.2))
    axes = figure.add_subplot()
    many = sum(len(group.macs) for group in info.groups) > _MANY
    axes.scatter(info.beyond.macs, info.beyond.parameters, s=12, color=_BEYOND, rasterized=True)
    handles = [_draw_group(axes, group, i, many) for i, group in enumerate(info.groups)]
    if info.beyond.macs:
        handles.append(Line2D([], [], marker="o", linestyle="", color=_BEYOND, label="beyond the budget"))
    _draw_limits(axes, info)
    if info.published:
        handles.append(_draw_published(axes, info))
    _label_axes(axes, info)
    _name_published(axes, info)
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3, frameon=False, fontsize=9)
    return figure


def _points(backbone: str, rows: pd.DataFrame, metric: str) -> CostPoints:
    if rows.empty:
        return CostPoints(backbone, [], [])
    macs, parameters = METRICS[metric], METRICS["parameters"]
    return CostPoints(backbone, (rows[metric] * macs.scale).tolist(), (rows["parameters"] * parameters.scale).tolist())


def _draw_group(axes: Axes, group: CostPoints, index: int, many: bool) -> Line2D:
    """Colours start over with other markers, so that many backbones stay apart."""
    colour, marker = PALETTE[index % len(PALETTE)], MARKERS[index // len(PALETTE) % len(MARKERS)]
    axes.scatter(
        group.macs,
        group.parameters,
        s=10 if many else 42,
        alpha=0.45 if many else 0.9,
        color=colour,
        marker=marker,
        edgecolors="none" if many else "white",
        linewidths=0.6,
        rasterized=many,
    )
    return Line2D([], [], marker=marker, linestyle="", color=colour, label=f"{group.backbone} ({len(group.macs)})")


def _draw_published(axes: Axes, info: CostFigureInfo) -> Line2D:
    scale = METRICS[info.metric].scale * (2 if info.metric == "flops" else 1)
    axes.plot(
        [p.macs * scale for p in info.published],
        [p.parameters / 1e6 for p in info.published],
        "x",
        color="#222222",
        markersize=6,
        markeredgewidth=1.4,
    )
    return Line2D([], [], marker="x", linestyle="", color="#222222", label="published (Cityscapes), not counted here")


def _name_published(axes: Axes, info: CostFigureInfo) -> None:
    scale = METRICS[info.metric].scale * (2 if info.metric == "flops" else 1)
    xs, ys = [p.macs * scale for p in info.published], [p.parameters / 1e6 for p in info.published]
    texts = [
        axes.text(x, y, p.name.partition(" (")[0], fontsize=7.5, color="#222222")
        for x, y, p in zip(xs, ys, info.published, strict=True)
    ]
    if texts:
        adjust_text(
            texts,
            x=xs,
            y=ys,
            ax=axes,
            expand=(1.25, 1.7),
            iter_lim=_LABEL_STEPS,
            arrowprops={"arrowstyle": "-", "color": "#999999", "linewidth": 0.5},
        )


def _draw_limits(axes: Axes, info: CostFigureInfo) -> None:
    for limit, draw in ((info.max_gmacs, axes.axvline), (info.max_parameters_m, axes.axhline)):
        if limit is not None:
            draw(limit, color=FRONT_LINE, linewidth=1.2, linestyle=(0, (4, 3)))


def _label_axes(axes: Axes, info: CostFigureInfo) -> None:
    macs, parameters = METRICS[info.metric], METRICS["parameters"]
    use_plain_log_scale(axes, "x")
    use_plain_log_scale(axes, "y")
    axes.set_xlabel(f"← {macs.direction} · {macs.axis}, log scale")
    axes.set_ylabel(f"← {parameters.direction} · {parameters.axis}, log scale")
    axes.set_title(f"{info.title}\n", loc="left", fontweight="bold")
    axes.text(0, 1.015, info.subtitle, transform=axes.transAxes, fontsize=9, color="#555555")
    axes.margins(x=0.08, y=0.08)
