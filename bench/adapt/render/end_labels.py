"""Labels at the right end of curves, moved apart where they would lie on each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes


@dataclass(frozen=True, kw_only=True)
class EndLabel:
    """height, at: where the curve ends, in units of the axes; at the right edge where `at` is None."""

    height: float
    text: str
    colour: str
    at: float | None = None


def spread(heights: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """The nearest heights in the same order that are at least so far apart, within the ends where there is room.

    Neighbours that are too close become a block around their mean (as in pooling adjacent violators), so the sum of
    squared moves is the smallest.
    """
    order = sorted(range(len(heights)), key=heights.__getitem__)
    blocks: list[tuple[float, int]] = []  # mean of the heights less their offsets in the whole stack, and how many
    for place, index in enumerate(order):
        mean, count = heights[index] - apart * place, 1
        while blocks and blocks[-1][0] > mean:
            before, of = blocks.pop()
            mean, count = (mean * count + before * of) / (count + of), count + of
        blocks.append((mean, count))
    bases = [mean for mean, count in blocks for _ in range(count)]
    top = high - apart * (len(heights) - 1)
    moved = [0.0] * len(heights)
    for place, (index, base) in enumerate(zip(order, bases, strict=True)):
        moved[index] = max(low, min(base, top)) + apart * place
    return moved


def draw_end_labels(axes: Axes, labels: Sequence[EndLabel], line_height: float, size: float) -> None:
    """Beside the axes, with a hair line from each curve's end to its label.

    Args:
        line_height: of one label, as a share of the axes' height; labels are single lines.
    """
    low, high = axes.get_ylim()
    shares = [(label.height - low) / (high - low) for label in labels]
    for label, place in zip(labels, spread(shares, line_height, 0.02, 0.98), strict=True):
        end, gap = (label.at, 5) if label.at is not None else (axes.get_xlim()[1], 0)
        axes.annotate(
            label.text,
            (end, label.height),
            xytext=(1.035, place),
            xycoords="data",
            textcoords="axes fraction",
            va="center",
            ha="left",
            fontsize=size,
            color=label.colour,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": "#bbbbbb", "linewidth": 0.7, "shrinkA": 1, "shrinkB": gap},
        )
