"""Colours, markers and sizes of all figures.

Colours: Okabe and Ito's palette with Tol's indigo in place of its yellow, which white paper swallows: told apart by
colour-blind readers. Markers carry the context block, so that a figure reads in grey as well.
"""

from __future__ import annotations

from typing import Any

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


def assign(names: list[str], values: tuple[str, ...]) -> dict[str, str]:
    """Give each name a value in order of first appearance, starting over where values run out."""
    distinct = list(dict.fromkeys(names))
    return {name: values[i % len(values)] for i, name in enumerate(distinct)}
