"""What each step at inference adds, as a figure: an info object (tested) and its drawing.

A panel a variant and training that steps were tried on; in it by labels a point a step, in points of mIoU against
nothing done.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.adapt.analysis.adaptation import Adaptation
from bench.adapt.analysis.curves import AS_IS, Line
from bench.adapt.render.curves_figure import head_figure
from bench.adapt.render.text import Names, step_effects
from bench.render.figures.style import FRONT_LINE, MARKERS, PALETTE, RC
from bench.stats.interval import Interval

STEM = "steps"
_WIDTH, _PANEL, _ABOVE, _BELOW, _KEY = 5.6, 1.8, 0.85, 0.55, 0.22
"""Inches: the whole, a panel, what is above and below, a line of the legend."""
_KEYS = 3
"""Steps in a line of the legend."""
_GROUP = 0.62
"""Of the room of a budget that its points take."""


@dataclass(frozen=True)
class StepPoint:
    """place: number of the column. step: number of the step. effect: in points."""

    place: int
    step: int
    effect: Interval


@dataclass(frozen=True, kw_only=True)
class StepsInfo:
    """All that the figure shows. columns: names, from left to right. panels: by title."""

    title: str
    columns: list[str]
    steps: list[str]
    panels: dict[str, list[StepPoint]]


def steps_info(adaptation: Adaptation, names: Names) -> StepsInfo:
    """Collect the points; the variant as it is, in each of its panels."""
    found = {step: list(step_effects(adaptation, step)) for step in adaptation.steps}
    columns = sorted({labels for effects in found.values() for _, labels, _ in effects})
    panels: dict[str, list[StepPoint]] = {}
    for line in adaptation.stepped:
        panels[names.line(line)] = [
            StepPoint(columns.index(labels), number, _in_points(effect))
            for number, effects in enumerate(found.values())
            for of, labels, effect in effects
            if of in (line, Line(line.variant, AS_IS))
        ]
    everything = adaptation.records[0].setting.of
    texts = ["as it is" if n == 0 else f"all {n}" if n == everything else str(n) for n in columns]
    return StepsInfo(
        title=f"{adaptation.name}: what steps at inference add", columns=texts, steps=list(found), panels=panels
    )


def _in_points(effect: Interval) -> Interval:
    return Interval(100 * effect.value, 100 * effect.low, 100 * effect.high)


def save_steps(info: StepsInfo, folder: Path) -> None:
    """Draw the figure as PNG and SVG into a folder that is there."""
    with mpl.rc_context(RC):
        figure = draw_steps(info)
        for ending in ("png", "svg"):
            metadata = {"Date": None} if ending == "svg" else {"Software": None}
            figure.savefig(folder / f"{STEM}.{ending}", metadata=metadata, bbox_inches="tight")


def draw_steps(info: StepsInfo) -> Figure:
    """Panels below each other on one pair of axes."""
    above = _ABOVE + _KEY * -(-len(info.steps) // _KEYS)
    rows = len(info.panels)
    figure = Figure(figsize=(_WIDTH, _PANEL * rows + _BELOW + above))
    height = figure.get_figheight()
    panels = figure.subplots(rows, 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    figure.subplots_adjust(left=0.115, right=0.98, bottom=_BELOW / height, top=1 - above / height, hspace=0.3)
    for axes, (title, points) in zip(panels, info.panels.items(), strict=True):
        _draw_panel(axes, title, points, info)
    panels[-1].set_xticks(range(len(info.columns)), info.columns)
    panels[-1].set_xlim(-0.5, len(info.columns) - 0.5)
    panels[-1].set_xlabel("labelled images")
    figure.supylabel("points of mIoU val against no step · higher is better →", fontsize=RC["font.size"], x=0.005)
    head_figure(figure, info.title, "against nothing done, on the same networks; bars: 95 % interval")
    handles = [
        Line2D([], [], color=_colour(i), marker=MARKERS[i % len(MARKERS)], linestyle="", markersize=7, label=step)
        for i, step in enumerate(info.steps)
    ]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.08, 1 - 0.42 / height),
        ncols=_KEYS,
        frameon=False,
        fontsize=10,
        handletextpad=0.3,
        columnspacing=1.4,
    )
    return figure


def _draw_panel(axes: Axes, title: str, points: list[StepPoint], info: StepsInfo) -> None:
    axes.axhline(0, color=FRONT_LINE, linewidth=1.2, zorder=1)
    apart = _GROUP / max(1, len(info.steps))
    for point in points:
        at = point.place + apart * (point.step - (len(info.steps) - 1) / 2)
        of = point.effect
        axes.errorbar(
            at,
            of.value,
            yerr=[[max(0, of.value - of.low)], [max(0, of.high - of.value)]],
            color=_colour(point.step),
            marker=MARKERS[point.step % len(MARKERS)],
            markersize=7,
            elinewidth=1.3,
            capsize=2.5,
            markeredgecolor="white",
            markeredgewidth=0.8,
        )
    axes.set_title(title, loc="left", fontsize=10.5)
    axes.grid(visible=False, axis="x")


def _colour(step: int) -> str:
    return PALETTE[step % len(PALETTE)]
