"""Lines of text in boxes of a given width, measured in the font that draws them. All lengths are inches."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from bench.render.diagram.info import NO_BREAK, DiagramInfo

TEXT, TITLE, LINE, PAD = 8.0, 8.6, 0.145, 0.07
"""Sizes in points, then the height of a line and the space inside a box."""


def box_height(info: DiagramInfo, name: str, width: float) -> float:
    box = info.box(name)
    return 2 * PAD + LINE * (1 + len(wrapped(box.lines, width))) if box else 0.0


def wrapped(lines: tuple[str, ...], width: float) -> list[str]:
    return [piece for line in lines for piece in wrap(line, width - 2 * 0.04, TEXT)]


def wrap(text: str, width: float, size: float, bold: bool = False) -> list[str]:
    """Break at spaces; what is too wide also behind `_`, `+`, `×`, `-` and at spaces that hold a phrase together."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and _text_width(f"{lines[-1]} {word}", size, bold) <= width:
            lines[-1] += f" {word}"
            continue
        pieces = (
            [word]
            if _text_width(word, size, bold) <= width
            else re.findall(rf"[^_+×{NO_BREAK}-]+[_+×{NO_BREAK}-]?", word)
        )
        lines.append(pieces[0])
        for piece in pieces[1:]:
            if _text_width(lines[-1] + piece, size, bold) <= width:
                lines[-1] += piece
            else:
                lines.append(piece)
    return [line.rstrip(NO_BREAK) for line in lines]


@lru_cache(maxsize=4096)
def _text_width(text: str, size: float, bold: bool) -> float:
    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    extents: Any = TextPath((0, 0), text or " ", size=size, prop=font).get_extents()
    return float(extents.width) / 72
