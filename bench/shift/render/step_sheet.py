"""A picture sheet: typical training images, and below them a few new images as they are and after each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

_WIDTH_IN, _HEAD_IN, _LABEL_IN, _CAPTION_IN = 9.0, 0.65, 0.32, 0.24
_MOST_PIXELS = 480
"""On the longer side of a picture; more is not seen."""
Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class SheetRow:
    """Pictures (H, W, 3) side by side, each with a caption; the label stands at their left."""

    label: str
    pictures: Sequence[Picture]
    captions: Sequence[str]


def typical(distances: Sequence[float], count: int) -> list[int]:
    """Places of images in the middle of the distances: of each of `count` parts, in their order, one."""
    parts = np.array_split(np.arange(len(distances)), min(count, len(distances)))
    middle = np.median(distances)
    return [int(part[np.argmin(np.abs(np.array(distances)[part] - middle))]) for part in parts]


def draw_step_sheet(title: str, rows: Sequence[SheetRow], note: str, path: Path) -> None:
    """Draw and save it, as JPEG or by another ending.

    Args:
        note: below the title, in small letters.

    Raises:
        OSError: the file cannot be written.
    """
    columns = max(len(row.pictures) for row in rows)
    across = (_WIDTH_IN - _LABEL_IN) / columns
    heights = [across * min(1.5, max(p.shape[0] / p.shape[1] for p in row.pictures)) + _CAPTION_IN for row in rows]
    height = _HEAD_IN + sum(heights)
    figure = plt.figure(figsize=(_WIDTH_IN, height))
    figure.text(0.01, 1 - 0.12 / height, title, ha="left", va="top", fontsize=12, fontweight="bold")
    figure.text(0.01, 1 - 0.38 / height, note, ha="left", va="top", fontsize=8.5, color="#333333")
    top = height - _HEAD_IN
    for row, tall in zip(rows, heights, strict=True):
        _draw_row(figure, row, (top, tall, across, height))
        top -= tall
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _draw_row(figure: Figure, row: SheetRow, place: tuple[float, float, float, float]) -> None:
    """place: top of the row, its height, width of a picture, height of the figure, in inches."""
    top, tall, across, height = place
    figure.text(
        0.5 * _LABEL_IN / _WIDTH_IN,
        (top - tall / 2) / height,
        row.label,
        rotation=90,
        ha="center",
        va="center",
        fontsize=9.5,
    )
    for column, (picture, caption) in enumerate(zip(row.pictures, row.captions, strict=True)):
        left = (_LABEL_IN + column * across) / _WIDTH_IN
        axes = figure.add_axes(
            (left, (top - tall) / height, 0.97 * across / _WIDTH_IN, (tall - _CAPTION_IN) / height), frameon=False
        )
        step = max(1, max(picture.shape[:2]) // _MOST_PIXELS)
        axes.imshow(picture[::step, ::step], interpolation="nearest")
        axes.set_axis_off()
        axes.set_title(caption, fontsize=8, pad=2.5)
