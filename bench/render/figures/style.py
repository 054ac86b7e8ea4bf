"""Colours, markers, sizes and axes of all figures, and the colours of classes.

Colours: Okabe and Ito's palette with Tol's indigo in place of its yellow, which white paper swallows: told apart by
colour-blind readers. Markers carry the context block, so that a figure reads in grey as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb
from matplotlib.ticker import AutoLocator, FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#332288")
DARK_PALETTE = ("#3FA0DB", "#F08030", "#1FC796", "#DD93BB", "#E69F00", "#7CC8F0", "#F2F2F2", "#7A5CFF")
"""The same hues, lighter where dark paper swallows them."""
MARKERS = ("o", "s", "^", "D", "P", "X", "v", "*", "<", ">", "p", "h", "d", "8")
FRONT_LINE = "#555555"
DIMMED_ALPHA = 0.4
RC: Any = {
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "bench",
    "figure.dpi": 100,
    "savefig.dpi": 160,
}
VOID_COLOUR = (0, 0, 0)
_FIRST = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (240, 228, 66),
    (213, 94, 0),
    (170, 255, 195),
    (204, 121, 167),
    (140, 140, 140),
    (90, 60, 20),
    (120, 30, 120),
    (86, 180, 233),
    (255, 215, 180),
    (70, 70, 200),
    (128, 128, 0),
    (250, 190, 212),
    (0, 70, 60),
    (220, 190, 255),
    (180, 20, 40),
    (255, 250, 200),
)
"""Of Okabe and Ito, with others between them: no two of a hue follow each other."""
_GOLDEN_ANGLE = 0.381966
_DECADE = 10


def assign(names: list[str], values: tuple[str, ...]) -> dict[str, str]:
    """Give each name a value in order of first appearance, starting over where values run out."""
    distinct = list(dict.fromkeys(names))
    return {name: values[i % len(values)] for i, name in enumerate(distinct)}


def class_colours(classes: int) -> NDArray[np.uint8]:
    """(classes, 3) uint8 RGB; what stands beyond the first 19 goes round the hues."""
    more = [
        tuple(int(255 * v) for v in hsv_to_rgb((i * _GOLDEN_ANGLE % 1, 0.45 + 0.3 * (i % 2), 0.55 + 0.2 * (i % 3))))
        for i in range(max(0, classes - len(_FIRST)))
    ]
    return np.array([*_FIRST, *more][:classes], np.uint8)


def use_plain_log_scale(axes: Axes, which: Literal["x", "y"]) -> None:
    """A log scale with plain numbers: at 1, 2 and 5 times the powers of ten, closer where it spans less."""
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(_PlainTicks(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


class _PlainTicks(LogLocator):
    """Ticks of a logarithmic axis of any span."""

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        few = vmax < _DECADE * vmin
        return AutoLocator().tick_values(vmin, vmax) if few else super().tick_values(vmin, vmax)
