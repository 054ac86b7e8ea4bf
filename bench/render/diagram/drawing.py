"""The block diagram of one variant: its drawing.

Our networks are drawn as a pyramid: the backbone climbs on the left, the module lies across the top,
the FPN descends on the right. Other networks are drawn as the graph of their parts, from top to bottom.
All lengths are inches, so that letters have one size in every diagram.
"""

from __future__ import annotations

import io
import itertools
from pathlib import Path
from typing import Any, cast

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from PIL import Image

from bench.errors import UserError
from bench.render.diagram.info import IMAGE, NO_BREAK, Arrow, Box, DiagramInfo
from bench.render.diagram.layout import (
    BUS,
    MARGIN,
    SLOTS,
    Places,
    climbs,
    graph_places,
    pyramid_places,
    pyramid_route,
    straight,
)
from bench.render.diagram.text import LINE, PAD, TEXT, TITLE, wrap, wrapped
from bench.render.figures.style import PALETTE, RC

_BLUE, _GREEN, _ORANGE = PALETTE[0], PALETTE[2], PALETTE[4]
_COLOURS = {"backbone": _BLUE, "module": _ORANGE, "decoder": _GREEN, "body": "#777777", IMAGE: "#333333"}
_TINTS = {"backbone": 0.30, "module": 0.42, "decoder": 0.13, "body": 0.12, IMAGE: 0.0}
"""How much of the colour a box is filled with: other greys in print."""


def save_diagram(info: DiagramInfo, path: Path) -> None:
    """Draw the diagram into a .svg or .png file.

    Raises:
        UserError: the file cannot be written.
    """
    with mpl.rc_context(RC):
        figure = draw_diagram(info)
        try:
            if path.suffix == ".svg":
                figure.savefig(path, metadata={"Date": None})
            else:
                _save_png(figure, path)
        except OSError as error:
            raise UserError(
                f"cannot write {path}: {error.strerror}. Pass --svg FILE in a folder that is there and can be written."
            ) from None


def _save_png(figure: Figure, path: Path) -> None:
    """A few flat colours need a palette only: a third of the bytes."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    with Image.open(drawn) as image:
        image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, format="PNG", optimize=True)


def draw_diagram(info: DiagramInfo) -> Figure:
    """The figure, as large as what is in it."""
    places = pyramid_places(info) if info.pyramid else graph_places(info)
    return _Drawing(info, places).figure


def _mix(colour: str, share: float, with_colour: str = "white") -> tuple[float, float, float]:
    """`share` of a colour, the rest of another one."""
    mixed = [share * a + (1 - share) * b for a, b in zip(to_rgb(colour), to_rgb(with_colour), strict=True)]
    return cast(tuple[float, float, float], tuple(mixed))


class _Drawing:
    """A figure with boxes at their places, arrows between them, a head and a legend."""

    def __init__(self, info: DiagramInfo, places: Places) -> None:
        self.info, self.places = info, places
        self.drawn: set[tuple[tuple[float, float], ...]] = set()
        """Arrows that share a rail draw it once."""
        left, right = min(p.left for p in places.values()), max(p.right for p in places.values())
        right = max(right, BUS if info.pyramid else right) + MARGIN
        left -= MARGIN
        spare = max(0.0, 4.9 - (right - left)) / 2
        self.left, self.right = left - spare, right + spare
        title = wrap(info.title, self.right - self.left - 2 * MARGIN, 9.5, bold=True)
        head = 0.17 * len(title) + 0.17 + 0.22
        self.top = max(p.top for p in places.values())
        self.bottom = min(p.bottom for p in places.values())
        low, high = self.bottom - 0.18 * len(info.legend) - 0.2, self.top + head
        self.figure = Figure(figsize=(self.right - self.left, high - low))
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_xlim(self.left, self.right)
        self.axes.set_ylim(low, high)
        self.axes.axis("off")
        self._write(self.left + MARGIN, high - 0.2, "\n".join(title), 9.5, ha="left", va="top_line", bold=True)
        self._write(self.left + MARGIN, high - 0.2 - 0.17 * len(title), info.subtitle, TEXT, ha="left")
        self._draw_legend()
        for box in info.boxes:
            self._draw_box(box)
        for arrow in info.arrows:
            self._draw_arrow(arrow)

    def _write(
        self, x: float, y: float, text: str, size: float, ha: str = "center", va: str = "baseline", bold: bool = False
    ) -> None:
        """`va` top_line: the first line's baseline is at y."""
        lines = text.split("\n")
        for i, line in enumerate(lines):
            step = 0.17 if va == "top_line" else LINE
            self.axes.text(
                x,
                y - i * step,
                line.replace(NO_BREAK, " "),
                fontsize=size,
                ha=cast(Any, ha),
                va="baseline",
                fontweight="bold" if bold else "normal",
                color="#111111",
            )

    def _draw_box(self, box: Box) -> None:
        place = self.places[box.name]
        panel = box.name == "backbone" and self.info.pyramid
        colour = _COLOURS[box.role]
        patch = FancyBboxPatch(
            (place.left, place.bottom),
            place.width,
            place.height,
            boxstyle="round,pad=0,rounding_size=0.05",
            facecolor=_mix(colour, 0.08 if panel else _TINTS[box.role]),
            edgecolor=_mix(colour, 0.75, "black"),
            linewidth=1.6 if box.role == "module" else 0.9,
            linestyle="--" if panel else "-",
            zorder=1 if panel else 3,
        )
        self.axes.add_patch(patch)
        lines = wrapped(box.lines, place.width)
        x, middle = place.middle
        total = LINE * (1 + len(lines))
        y = place.bottom + PAD + total if panel else middle + total / 2
        title = "backbone" if panel else box.name
        self._write(x, y - 0.115, title, TITLE, bold=True)
        self._write(x, y - 0.115 - LINE, "\n".join(lines), TEXT)

    def _draw_arrow(self, arrow: Arrow) -> None:
        points = (pyramid_route if self.info.pyramid else straight)(arrow, self.places)
        colour = _mix(_COLOURS[arrow.role], 0.75, "black")
        *way, last = itertools.pairwise(points)
        for segment in way:
            if segment not in self.drawn:
                xs, ys = zip(*segment, strict=True)
                self.axes.plot(xs, ys, color=colour, linewidth=1.2, zorder=2, solid_capstyle="round")
        if last in self.drawn:
            return
        self.drawn.update(way, [last])
        self.axes.annotate(
            "",
            xy=last[1],
            xytext=last[0],
            zorder=4,
            arrowprops={
                "arrowstyle": "-|>,head_width=0.16,head_length=0.32",
                "color": colour,
                "linewidth": 1.2,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )
        if self.info.pyramid and climbs(arrow):
            self.axes.plot(*points[0], "o", color=colour, markersize=3.6, zorder=5)
        if arrow.label and arrow.start[0] == "F":
            self._write((SLOTS["F3"] + SLOTS["F2"]) / 2, points[0][1] + 0.045, arrow.label, TEXT)
        elif arrow.label and arrow.start[0] == "P":
            self._write(points[0][0] + 0.08, (points[0][1] + points[1][1]) / 2 - 0.035, arrow.label, TEXT, ha="left")

    def _draw_legend(self) -> None:
        for i, (role, words) in enumerate(self.info.legend.items()):
            y = self.bottom - 0.3 - 0.18 * i
            self.axes.add_patch(
                FancyBboxPatch(
                    (self.left + MARGIN, y - 0.015),
                    0.16,
                    0.11,
                    boxstyle="round,pad=0,rounding_size=0.02",
                    facecolor=_mix(_COLOURS[role], _TINTS[role]),
                    edgecolor=_mix(_COLOURS[role], 0.75, "black"),
                    linewidth=1.6 if role == "module" else 0.9,
                )
            )
            self._write(self.left + MARGIN + 0.24, y, words, TEXT, ha="left")
