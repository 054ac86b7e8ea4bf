"""What a data set is: classes, three splits that never mix, a check and a fingerprint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.errors import UserError

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


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

    def load(self, split: Split) -> list[Sample]:
        """All samples of a split, in a fixed order."""

    def count(self, split: Split) -> int:
        """Samples in a split."""

    def typical_size(self) -> tuple[int, int]:
        """Width and height of the largest image, in pixels; known after `check`."""

    def describe(self) -> str:
        """Sizes of the splits and of the images, in words."""
