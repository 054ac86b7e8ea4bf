"""What a data set is: classes, three splits that never mix, a check and a fingerprint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, overload

import numpy as np
from numpy.typing import NDArray

from bench.data.inspection import Inspection
from bench.data.splits import SPLITS, Split
from bench.errors import UserError
from bench.system.machine import free_memory


class DataError(UserError):
    """An unknown data set, or an option that it does not take."""

    def __init__(self, message: str, option: str | None = None) -> None:
        """`option`: the one at fault, where it is one."""
        super().__init__(message)
        self.option = option


@dataclass(frozen=True)
class Sample:
    """One image with its labels.

    image: (H, W, 3) uint8 RGB. mask: (H, W) uint8, class index or IGNORE.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]


class OnDemand(Sequence[Sample]):
    """Samples that are made one at a time, whenever one is asked for."""

    def __init__(self, count: int, make: Callable[[int], Sample]) -> None:
        self._count = count
        self._make = make

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Sample]: ...

    def __getitem__(self, index: int | slice) -> Sample | Sequence[Sample]:
        at = range(self._count)[index]
        return self._make(at) if isinstance(at, int) else [self._make(i) for i in at]


OnProgress = Callable[[int, int], None]
"""(samples read, samples in all)"""


class Dataset(Protocol):
    """Three splits of labelled images."""

    @property
    def name(self) -> str:
        """As the space file says it."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names in label order."""

    def check(self) -> None:
        """Refuse what would break or spoil a training, before it starts.

        Raises:
            UserError: naming the file.
        """

    def fingerprint(self) -> str:
        """12 hex digits of the content: the same pixels and labels, the same text."""

    def inspect(self, on_progress: OnProgress = ...) -> Inspection:
        """Read all samples once and say what there is, and every problem."""

    def load(self, split: Split) -> Sequence[Sample]:
        """All samples of a split, in a fixed order; each is read when it is asked for, every time."""

    def count(self, split: Split) -> int:
        """Samples in a split."""

    def sizes(self, split: Split) -> set[tuple[int, int]]:
        """Widths and heights of a split's images, in pixels; known after `check`."""

    def typical_size(self) -> tuple[int, int]:
        """Width and height of the largest image, in pixels; known after `check`."""

    def describe(self) -> str:
        """Sizes of the splits and of the images, in words."""


def spread_samples(dataset: Dataset, at_most: int) -> dict[Split, list[Sample]]:
    """Up to so many samples of each split, evenly spaced; those that cannot be read are left out."""
    found: dict[Split, list[Sample]] = {}
    for split in SPLITS:
        samples = dataset.load(split)
        wanted = min(at_most, len(samples))
        for at in sorted({index * len(samples) // wanted for index in range(wanted)}):
            with suppress(UserError):
                sample = samples[at]
                if sample.mask.shape == sample.image.shape[:2]:
                    found.setdefault(split, []).append(sample)
    return found


def fits_in_memory(samples: Sequence[Sample], side_by_side: int = 1, at_most: float | None = None) -> bool:
    """Whether the samples take little memory, judged by the first.

    Args:
        side_by_side: processes that each keep as many.
        at_most: bytes; a quarter of what is free for all processes together, unless it is given.
    """
    if not samples:
        return True
    limit = free_memory() / 4 / side_by_side if at_most is None else at_most
    first = samples[0]
    return len(samples) * (first.image.nbytes + first.mask.nbytes) <= limit
