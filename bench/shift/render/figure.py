"""A measured shift as a figure: the distance after each step, and that of every image."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bench.render.figures.style import FRONT_LINE, PALETTE, RC
from bench.shift.distance import RAW, StepShift
from bench.shift.render.text import percent
from bench.shift.result import ShiftReport

NAMES = ("shift.png", "shift.svg")
_BLUE, _ORANGE = PALETTE[0], PALETTE[1]
_ROW_IN, _REST_IN = 0.44, 3.3
_SPREAD = 0.26
"""Of the dots of one row, up and down, in rows."""


def save_shift(report: ShiftReport, folder: Path) -> None:
    """Write the figure as PNG and SVG into a folder that is there."""
    with mpl.rc_context(RC):
        figure = draw_shift(report)
        for name in NAMES:
            metadata = {"Date": None} if name.endswith("svg") else {"Software": None}
            figure.savefig(folder / name, metadata=metadata, bbox_inches="tight")


def draw_shift(report: ShiftReport) -> Figure:
    """Rows are the new images without and with steps, nearest last; left is nearer in both parts."""
    steps = report.shift.steps
    rows = len(steps)
    figure = Figure(figsize=(6.8, _REST_IN + _ROW_IN * (2 * rows + 1)))
    above, below = figure.subplots(2, 1, gridspec_kw={"height_ratios": [rows, rows + 1], "hspace": 0.52})
    _draw_distances(above, report)
    _draw_images(below, report)
    return figure


def _draw_distances(axes: Axes, report: ShiftReport) -> None:
    shift = report.shift
    low, high = (end - shift.reference.value for end in (shift.reference.low, shift.reference.high))
    axes.axvspan(low, high, color=FRONT_LINE, alpha=0.12, linewidth=0)
    axes.axvline(shift.stretch, color=FRONT_LINE, linestyle="--", linewidth=1.3)
    for row, step in enumerate(shift.steps):
        colour, marker = _look(step)
        error = [[step.excess.value - step.excess.low], [step.excess.high - step.excess.value]]
        axes.errorbar(
            step.excess.value, row, xerr=error, fmt=marker, color=colour, markersize=8, elinewidth=1.6, capsize=3
        )
        axes.annotate(
            _closed_words(step),
            (step.excess.high, row),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color="#333333",
        )
    axes.set_yticks(range(len(shift.steps)), [_row_name(report, step) for step in shift.steps])
    _rows_from_the_top(axes, len(shift.steps))
    right = max(shift.stretch, *(step.excess.high for step in shift.steps))
    axes.set_xlim(min(low, *(step.excess.low for step in shift.steps)) - 0.04 * right, 1.42 * right)
    axes.set_xlabel("← nearer · distance beyond held-out training images\n(squared Fréchet, in total variances)")
    axes.set_title(f"How far {report.target} is from {report.source}", loc="left", fontweight="bold", pad=62)
    handles: list[Artist] = [
        Line2D([], [], marker=_look(shift.raw)[1], color=_ORANGE, label="new images, with 95 % interval"),
        Line2D([], [], marker="o", color=_BLUE, label="after a step: % of the gap closed"),
        Patch(color=FRONT_LINE, alpha=0.12, label="held-out training images, 95 %"),
        Line2D([], [], linestyle="--", color=FRONT_LINE, label=f"{shift.held_out} consecutive training images"),
        Line2D([], [], linestyle="", label="ms: time of the step alone"),
    ]
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0),
        ncols=2,
        frameon=False,
        fontsize=9,
        columnspacing=1.2,
    )


def _draw_images(axes: Axes, report: ShiftReport) -> None:
    shift = report.shift
    rows = [("training, held out", shift.source_per_image, FRONT_LINE)]
    rows += [("no step" if s.step == RAW else s.step, s.per_image, _look(s)[0]) for s in shift.steps]
    rng = np.random.default_rng(0)
    for row, (_, distances, colour) in enumerate(rows):
        heights = row + rng.uniform(-_SPREAD, _SPREAD, len(distances))
        axes.plot(distances, heights, "o", color=colour, alpha=0.45, markersize=4, markeredgewidth=0, rasterized=True)
        axes.plot([np.median(distances)] * 2, [row - 0.38, row + 0.38], color="#111111", linewidth=2)
    axes.axvline(shift.limit, color=FRONT_LINE, linestyle=":", linewidth=1.5)
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    _rows_from_the_top(axes, len(rows))
    axes.set_xlabel("← nearer · distance of each image\n(Mahalanobis, over the median of held-out training images)")
    handles: list[Artist] = [
        Line2D([], [], marker="o", linestyle="", color="#777777", alpha=0.6, label="an image"),
        Line2D([], [], marker="|", linestyle="", color="#111111", markersize=11, markeredgewidth=2, label="median"),
        Line2D([], [], linestyle=":", color=FRONT_LINE, label="95 % of training images are left of it"),
    ]
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0),
        ncols=3,
        frameon=False,
        fontsize=9,
        columnspacing=1.2,
    )


def _rows_from_the_top(axes: Axes, rows: int) -> None:
    axes.set_ylim(rows - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _look(step: StepShift) -> tuple[str, str]:
    """Colour and marker."""
    return (_ORANGE, "s") if step.step == RAW else (_BLUE, "o")


def _row_name(report: ShiftReport, step: StepShift) -> str:
    time = report.times.get(step.step)
    if step.step == RAW:
        return "no step"
    return f"{step.step}, {time['step_ms']['median']:.1f} ms" if time else step.step


def _closed_words(step: StepShift) -> str:
    if step.closed is None:
        return ""
    return percent(step.closed).replace(" (", " % (").replace("-", "−")
