"""What the pixels of a mask mean: file values -> class indices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench.data.decode import open_image
from bench.errors import UserError
from bench.stats.confusion import IGNORE

Colour = tuple[int, int, int]
Labels = NDArray[np.uint8]
_NAMED = 5


class Coding(Protocol):
    """How a data set writes its masks."""

    def read(self, path: Path) -> Labels:
        """Decode a mask file to (H, W): class index or IGNORE.

        Raises:
            UserError: the file cannot be read, is of another kind, or holds a value that means nothing.
        """


class Indices:
    """One 8-bit value a pixel."""

    def __init__(self, class_of: Mapping[int, int], void: Sequence[int]) -> None:
        """`class_of`: value in the file -> class index. `void`: the values that are never counted."""
        self._known = sorted(class_of), sorted(void)
        self._table = np.full(256, IGNORE, np.uint8)
        self._means_nothing = np.ones(256, bool)
        for value, index in class_of.items():
            self._table[value] = index
        self._means_nothing[[*class_of, *void]] = False

    def read(self, path: Path) -> Labels:
        """See `Coding.read`."""
        mask = open_image(path)
        if mask.mode not in ("L", "P", "1"):
            raise UserError(
                f"{path} is a {mask.mode} image; a mask of this data set holds one 8-bit class index a pixel"
            )
        values = np.asarray(mask).astype(np.uint8)  # of one bit: 0 and 1
        strange = np.flatnonzero(self._means_nothing & (np.bincount(values.ravel(), minlength=256) > 0))
        if len(strange):
            raise UserError(f"{path} has label {strange[0]}; {self._describe()}")
        labels: Labels = self._table[values]
        return labels

    def _describe(self) -> str:
        values, void = self._known
        known = f"{values[0]} to {values[-1]}" if values == [*range(values[0], values[-1] + 1)] else _listed(values)
        return f"known are {known} and void {_listed(void)}" if void else f"known are {known}, and none is void"


class Colours:
    """One colour a class."""

    def __init__(self, class_of: Mapping[Colour, int], void: Sequence[Colour]) -> None:
        """`class_of`: red, green and blue -> class index. `void`: the colours that are never counted."""
        coded = {_code(colour): index for colour, index in class_of.items()} | {_code(c): IGNORE for c in void}
        self._codes = np.array(sorted(coded), np.int32)
        self._meaning = np.array([coded[code] for code in sorted(coded)], np.uint8)

    def read(self, path: Path) -> Labels:
        """See `Coding.read`."""
        mask = open_image(path)
        if mask.mode not in ("RGB", "RGBA", "P"):
            raise UserError(f"{path} is a {mask.mode} image; classes.yaml gives colours, and a mask of them is RGB")
        pixels = np.asarray(mask.convert("RGB")).astype(np.int32)
        codes = pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]
        at = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        strange = self._codes[at] != codes
        if strange.any():
            code = int(codes[strange][0])
            colour = [code >> 16, code >> 8 & 255, code & 255]
            raise UserError(f"{path} has colour {colour} in {strange.sum():,} pixels, and classes.yaml has no such one")
        return self._meaning[at]


def _code(colour: Colour) -> int:
    red, green, blue = colour
    return red << 16 | green << 8 | blue


def _listed(values: Sequence[int]) -> str:
    more = f" and {len(values) - _NAMED} more" if len(values) > _NAMED else ""
    return ", ".join(map(str, values[:_NAMED])) + more
