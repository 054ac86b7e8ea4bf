"""Axis scales that readers need no logarithms for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.ticker import AutoLocator, FuncFormatter, LogLocator, NullLocator

_DECADE = 10


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
