"""A contact sheet: images of each split with their masks over them, and what the colours mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import wrap

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from bench.data.base import Sample
from bench.data.splits import Split
from bench.render.figures.style import VOID_COLOUR, class_colours

_OPACITY = 0.72
_WIDTH_IN, _LEGEND_ROW_IN, _HEAD_IN = 11.0, 0.24, 0.7
_TITLE_ROW_IN, _TITLE_CHARACTERS = 0.22, 110
_LEGEND_COLUMNS = 6
_MOST_PIXELS = 640
"""On the longer side of a picture; more is not seen."""


def draw_contact_sheet(
    title: str, classes: Sequence[str], shares: Sequence[float], samples: Mapping[Split, Sequence[Sample]], path: Path
) -> None:
    """Draw and save a sheet.

    Args:
        shares: of the labelled pixels of all splits, by class; a class of share 0 is said to be absent.
        samples: by split; each split is two rows, images over masks.

    Raises:
        OSError: the file cannot be written.
    """
    colours = class_colours(len(classes))
    columns = max(map(len, samples.values()))
    picture_in = _WIDTH_IN / columns
    tallest = max(sample.image.shape[0] / sample.image.shape[1] for row in samples.values() for sample in row)
    legend_in = _LEGEND_ROW_IN * (-(-(len(classes) + 1) // _LEGEND_COLUMNS) + 1)
    lines = wrap(title, _TITLE_CHARACTERS)
    head_in = _HEAD_IN + _TITLE_ROW_IN * (len(lines) - 1)
    height = head_in + legend_in + 2 * len(samples) * picture_in * min(tallest, 1.5)
    figure = plt.figure(figsize=(_WIDTH_IN, height))
    figure.suptitle("\n".join(lines), x=0.01, ha="left", y=1 - 0.12 / height, va="top", fontsize=12)
    grid = figure.add_gridspec(
        2 * len(samples),
        columns,
        left=0.035,
        right=0.995,
        bottom=legend_in / height,
        top=1 - head_in / height + 0.01,
        hspace=0.03,
        wspace=0.02,
    )
    for row, (split, shown) in enumerate(samples.items()):
        for column, sample in enumerate(shown):
            small = _small(sample)
            _show(figure.add_subplot(grid[2 * row, column]), small.image, split if not column else "")
            over = _overlaid(small, colours)
            _show(figure.add_subplot(grid[2 * row + 1, column]), over, f"{split} masks" if not column else "")
    _legend(figure, classes, shares, colours)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _small(sample: Sample) -> Sample:
    step = max(1, max(sample.mask.shape) // _MOST_PIXELS)
    return Sample(sample.image[::step, ::step], sample.mask[::step, ::step])


def _overlaid(sample: Sample, colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    palette = np.zeros((256, 3), np.float32)
    palette[: len(colours)] = colours
    palette[255] = VOID_COLOUR
    grey = sample.image.mean(axis=2, keepdims=True)
    mixed = _OPACITY * palette[sample.mask] + (1 - _OPACITY) * grey
    picture: NDArray[np.uint8] = mixed.round().astype(np.uint8)
    return picture


def _show(axes: Axes, picture: NDArray[np.uint8], label: str) -> None:
    axes.imshow(picture, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_frame_on(False)
    axes.set_ylabel(label, fontsize=9)


def _legend(figure: Figure, classes: Sequence[str], shares: Sequence[float], colours: NDArray[np.uint8]) -> None:
    handles = [
        Patch(color=_hex(colours[index]), label=f"{name} {_share_words(share)}")
        for index, (name, share) in enumerate(zip(classes, shares, strict=True))
    ]
    handles.append(Patch(color=_hex(VOID_COLOUR), label="void, not counted"))
    figure.legend(
        handles=handles,
        loc="lower center",
        ncols=_LEGEND_COLUMNS,
        fontsize=8,
        frameon=False,
        handlelength=1.2,
        columnspacing=1.4,
        title="share of the labelled pixels of all splits",
        title_fontsize=8,
    )


def _hex(colour: Iterable[int]) -> str:
    return "#" + bytes(map(int, colour)).hex()


def _share_words(share: float) -> str:
    if not share:
        return "absent"
    return "<0.1 %" if share < 0.001 else f"{100 * share:.1f} %"
