"""mIoU against labels as a figure: an info object (tested) and its drawing.

A panel a variant with a curve an arm; with one arm alone, all variants in one panel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from bench.adapt.analysis.adaptation import Adaptation
from bench.adapt.analysis.curves import Point
from bench.adapt.render.end_labels import EndLabel, draw_end_labels
from bench.adapt.render.text import Names
from bench.metrics import METRICS, SCORE
from bench.render.figures.style import MARKERS, PALETTE, RC

STEM = "curves"
_WIDTH, _PANEL, _ABOVE, _BELOW, _KEY = 5.6, 3.1, 0.75, 0.55, 0.2
"""Inches: the whole, a panel, what is above and below, a line of the legend."""
_FONT = 10.5
_NAME = 1.35 * _FONT / 72
"""Inches of a line of text."""
_FILLED = 0.8
"""Of a panel's height, at most, by names at the ends of curves."""
LineStyle = Literal["-", "--", ":", "-."]
_DASHES: tuple[LineStyle, ...] = ("-", "--", ":", "-.")
_DODGE = 0.013
"""Between curves at one budget, of the axis."""
_LETTER = 0.03
"""Of the axis, that a letter of a budget's label takes: a label without room is left out."""
_MARGIN = 0.08
"""Of the axis, at both ends."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """labels, mious, lows, highs: a point each, mIoU in per cent. look: number of its colour, dash and marker."""

    name: str
    look: int
    labels: list[int]
    mious: list[float]
    lows: list[float]
    highs: list[float]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """as_is: name, mIoU in per cent and look of each network without training; look -1: of none of the curves.

    numbered: whether curves bear numbers, and names stand in a legend.
    """

    title: str
    curves: list[Curve]
    as_is: list[tuple[str, float, int]] = field(default_factory=list)
    numbered: bool = False


@dataclass(frozen=True, kw_only=True)
class CurvesInfo:
    """All that the figure shows. everything: images of the training split."""

    title: str
    subtitle: str
    panels: list[Panel]
    budgets: list[int]
    everything: int


def curves_info(adaptation: Adaptation, names: Names) -> CurvesInfo:
    """Collect the panels."""
    arms = list(dict.fromkeys(line.arm for line in adaptation.plain))
    panels = (
        [_panel_of_variants(adaptation, names)]
        if len(arms) == 1 and len(adaptation.variants) > 1
        else [_panel_of_arms(adaptation, names, variant, arms) for variant in adaptation.variants]
    )
    seeds = max(point.seeds for points in adaptation.plain.values() for point in points)
    seed_words = f"mean of {seeds} seeds" if seeds > 1 else "one seed"
    subtitle = f"{seed_words}; bars: 95 % interval; straight dashes: no training"
    return CurvesInfo(
        title=f"{adaptation.name}: what labels are worth",
        subtitle=subtitle,
        panels=panels,
        budgets=adaptation.budgets,
        everything=adaptation.records[0].setting.of,
    )


def _panel_of_arms(adaptation: Adaptation, names: Names, variant: str, arms: Sequence[str]) -> Panel:
    curves = [
        _curve(names.arms[line.arm], arms.index(line.arm), points)
        for line, points in adaptation.plain.items()
        if line.variant == variant
    ]
    start = adaptation.as_is(variant)
    return Panel(
        title=names.variants[variant], curves=curves, as_is=[("as it is", 100 * start.miou.value, -1)] if start else []
    )


def _panel_of_variants(adaptation: Adaptation, names: Names) -> Panel:
    looks = {variant: look for look, variant in enumerate(adaptation.variants)}
    curves = [
        _curve(names.variants[line.variant], looks[line.variant], points) for line, points in adaptation.plain.items()
    ]
    starts = [
        (f"{look + 1} as it is", 100 * start.miou.value, look)
        for variant, look in looks.items()
        if (start := adaptation.as_is(variant)) is not None
    ]
    (arm,) = {names.arms[line.arm] for line in adaptation.plain}
    return Panel(title=arm, curves=curves, as_is=starts, numbered=True)


def _curve(name: str, look: int, points: Sequence[Point]) -> Curve:
    scale = METRICS[SCORE].scale
    return Curve(
        name=name,
        look=look,
        labels=[p.labels for p in points],
        mious=[scale * p.miou.value for p in points],
        lows=[scale * p.miou.low for p in points],
        highs=[scale * p.miou.high for p in points],
    )


def save_curves(info: CurvesInfo, folder: Path, stem: str = STEM) -> None:
    """Draw the figure as PNG and SVG of this name into a folder that is there."""
    with mpl.rc_context(RC):
        figure = draw_curves(info)
        for ending in ("png", "svg"):
            metadata = {"Date": None} if ending == "svg" else {"Software": None}
            figure.savefig(folder / f"{stem}.{ending}", metadata=metadata, bbox_inches="tight")


def draw_curves(info: CurvesInfo) -> Figure:
    """Panels below each other on one pair of axes; names at the right end of the curves."""
    rows = len(info.panels)
    above = _ABOVE + _KEY * sum(len(panel.curves) for panel in info.panels if panel.numbered)
    figure = Figure(figsize=(_WIDTH, _panel_height(info) * rows + _BELOW + above))
    height = figure.get_figheight()
    panels = figure.subplots(rows, 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    figure.subplots_adjust(left=0.115, right=0.71, bottom=_BELOW / height, top=1 - above / height, hspace=0.22)
    for axes, panel in zip(panels, info.panels, strict=True):
        _draw_panel(axes, panel, info)
    panels[0].margins(y=0.08)
    for axes, panel in zip(panels, info.panels, strict=True):
        _name_ends(axes, panel)
    panels[-1].set_xlabel("labelled images, log scale")
    figure.supylabel(f"{METRICS['miou_val'].heading} · higher is better →", fontsize=RC["font.size"], x=0.005)
    head_figure(figure, info.title, info.subtitle)
    return figure


def _panel_height(info: CurvesInfo) -> float:
    """In inches: with room for the names at the ends of the curves."""
    names = max(len(panel.curves) + len(panel.as_is) for panel in info.panels)
    return max(_PANEL, names * _NAME / _FILLED)


def head_figure(figure: Figure, title: str, subtitle: str) -> None:
    """Title and the line under it, above all panels."""
    figure.text(0.115, 1, title, fontweight="bold", fontsize=12, va="top")
    figure.text(0.115, 1 - 0.26 / figure.get_figheight(), subtitle, fontsize=9, color="#555555", va="top")


def _draw_panel(axes: Axes, panel: Panel, info: CurvesInfo) -> None:
    axes.set_xscale("log")
    for _, height, look in panel.as_is:
        axes.axhline(height, color=_colour(look), linestyle=(0, (6, 3)), linewidth=1.2, zorder=1)
    middle = (len(panel.curves) - 1) / 2
    for place, curve in enumerate(panel.curves):
        at = [labels * _span(info) ** (_DODGE * (place - middle)) for labels in curve.labels]
        bars = [
            [max(0, m - low) for m, low in zip(curve.mious, curve.lows, strict=True)],
            [max(0, high - m) for m, high in zip(curve.mious, curve.highs, strict=True)],
        ]
        axes.errorbar(
            at,
            curve.mious,
            yerr=bars,
            color=_colour(curve.look),
            marker=_marker(curve.look),
            linestyle=_dash(curve.look),
            linewidth=1.8,
            markersize=7,
            elinewidth=1.2,
            capsize=2.5,
            markeredgecolor="white",
            markeredgewidth=0.8,
        )
    if not panel.numbered:
        axes.set_title(panel.title, loc="left", fontsize=_FONT)
    _set_budgets(axes, info)


def _set_budgets(axes: Axes, info: CurvesInfo) -> None:
    """Ticks at the budgets; where they crowd, the larger ones keep their numbers."""
    span = _span(info)
    axes.set_xlim(info.budgets[0] / span**_MARGIN / 1.05, info.budgets[-1] * span**_MARGIN * 1.05)
    texts = [f"all {labels}" if labels == info.everything else str(labels) for labels in info.budgets]
    left = math.inf
    for place in reversed(range(len(texts))):
        half = _LETTER * (len(texts[place]) + 1) / 2
        middle = math.log(info.budgets[place]) / math.log(span)
        if middle + half > left:
            texts[place] = ""
        else:
            left = middle - half
    axes.set_xticks(info.budgets, texts)
    axes.xaxis.set_minor_locator(NullLocator())


def _span(info: CurvesInfo) -> float:
    """The largest budget over the smallest."""
    return info.budgets[-1] / info.budgets[0] if len(info.budgets) > 1 else 2.0


def _name_ends(axes: Axes, panel: Panel) -> None:
    ends = [
        EndLabel(
            height=curve.mious[-1],
            text=str(curve.look + 1) if panel.numbered else curve.name,
            colour=_colour(curve.look),
            at=curve.labels[-1],
        )
        for curve in panel.curves
    ]
    ends += [
        EndLabel(height=height, text=f"{name} {height:.1f}", colour=_colour(look)) for name, height, look in panel.as_is
    ]
    height = axes.get_window_extent().height / RC["figure.dpi"]
    draw_end_labels(axes, ends, _NAME / height, _FONT)
    if panel.numbered:
        handles = [
            Line2D(
                [],
                [],
                color=_colour(curve.look),
                linestyle=_dash(curve.look),
                marker=_marker(curve.look),
                label=f"{curve.look + 1}  {curve.name}",
            )
            for curve in panel.curves
        ]
        axes.legend(
            handles=handles,
            title=panel.title,
            loc="lower left",
            bbox_to_anchor=(-0.02, 1.0),
            frameon=False,
            fontsize=_FONT,
            title_fontsize=_FONT,
            alignment="left",
            labelspacing=0.25,
            handlelength=3,
        )


def _dash(look: int) -> LineStyle:
    return _DASHES[look % len(_DASHES)]


def _marker(look: int) -> str:
    return MARKERS[look % len(MARKERS)]


def _colour(look: int) -> str:
    return "#555555" if look < 0 else PALETTE[look % len(PALETTE)]
