"""Which images are labelled first: nested budgets whose classes are balanced, by a seed."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.data.base import Sample
from bench.errors import UserError
from bench.settings.adaptation import Choice

ALL = "all"
SMALLEST = 2
"""Images: a batch norm cannot be trained on one."""
_DEFAULT_START = 8
_LEAST_SHARE = 0.001
"""Of the labelled pixels that a class needs to count as shown by an image."""


def read_budgets(text: str | None, images: int) -> tuple[list[int], list[int]]:
    """`8,16,all` -> budgets in ascending order, and those that are left out since there are no more images.

    Args:
        text: None: 8, 16, 32 and so on by doubling, and all.
        images: in the training split.

    Raises:
        UserError: not numbers, below the least, or too few images for any.
    """
    if images < SMALLEST:
        raise UserError(
            f"the training split holds {images} image{'s' * (images != 1)}; adaptation needs at least {SMALLEST}. "
            "Label more, or give them to train in split.csv."
        )
    asked = [_read(word.strip(), images) for word in text.split(",")] if text else [*_doubling(images), images]
    return sorted({count for count in asked if count <= images}), sorted({c for c in asked if c > images})


def _read(word: str, images: int) -> int:
    if word == ALL:
        return images
    if not re.fullmatch("[0-9]{1,9}", word) or int(word) < SMALLEST:
        raise UserError(f"--labels {word!r} is neither a number of images from {SMALLEST} on nor {ALL!r}: 8,16,32,all")
    return int(word)


def _doubling(images: int) -> list[int]:
    budgets, count = [], _DEFAULT_START
    while count < images:
        budgets.append(count)
        count *= 2
    return budgets


def labelling_order(presence: NDArray[np.bool_], seed: int, choice: Choice = "balanced") -> list[int]:
    """The images in the order in which they are labelled; a budget takes the first of them, so budgets are nested.

    Balanced: each next image is the one that shows most of what was shown least, where a class counts one over the
    images that showed it before. That looks at masks which a project does not have yet: a person who chooses images
    with rare classes in mind does about the same.

    Args:
        presence: (images, classes), from `class_presence`.
    """
    random = np.random.default_rng(seed)
    shuffled: list[int] = random.permutation(len(presence)).tolist()
    if choice == "random":
        return shuffled
    order: list[int] = []
    shown = np.zeros(presence.shape[1])
    while shuffled:
        worth = presence[shuffled] @ (1 / (1 + shown))
        best = shuffled.pop(int(worth.argmax()))
        order.append(best)
        shown += presence[best]
    return order


def class_presence(samples: Sequence[Sample], classes: int) -> NDArray[np.bool_]:
    """(images, classes): whether an image shows a class on more than a speck."""
    counts = np.stack([np.bincount(sample.mask.ravel(), minlength=256)[:classes] for sample in samples])
    labelled = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    present: NDArray[np.bool_] = counts / labelled > _LEAST_SHARE
    return present
