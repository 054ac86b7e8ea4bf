"""What a check of a data set found: counts, sizes, class frequencies, problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.splits import SPLITS, Split
from bench.stats.confusion import IGNORE


@dataclass(frozen=True)
class MaskCount:
    """One mask: width and height, and pixels by class, void last."""

    size: tuple[int, int]
    pixels: tuple[int, ...]

    @classmethod
    def of(cls, mask: NDArray[np.uint8], classes: int) -> MaskCount:
        """Count (H, W) of class indices and IGNORE."""
        found = np.bincount(mask.ravel(), minlength=IGNORE + 1)
        return cls((mask.shape[1], mask.shape[0]), (*found[:classes].tolist(), int(found[IGNORE])))


@dataclass(frozen=True, kw_only=True)
class SplitCount:
    """One split: what can be used of it.

    sizes: images by (width, height). pixels, images_with: by class. void: pixels that are never counted.
    """

    images: int
    sizes: dict[tuple[int, int], int]
    pixels: tuple[int, ...]
    void: int
    images_with: tuple[int, ...]

    @classmethod
    def of(cls, masks: Iterable[MaskCount], classes: int) -> SplitCount:
        """The sum of what single masks hold."""
        masks = list(masks)
        pixels = np.array([mask.pixels for mask in masks], np.int64).reshape(-1, classes + 1)
        with_class = (pixels[:, :-1] > 0).sum(axis=0)
        whole = pixels.sum(axis=0).tolist()
        sizes = Counter(mask.size for mask in masks)
        return cls(
            images=len(masks),
            sizes=dict(sizes),
            pixels=tuple(whole[:-1]),
            void=whole[-1],
            images_with=tuple(with_class.tolist()),
        )


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """A whole data set. note: how its splits came to be, where that is not plain."""

    classes: tuple[str, ...]
    splits: dict[Split, SplitCount]
    problems: tuple[str, ...]
    fingerprint: str
    note: str = ""

    @property
    def sizes(self) -> dict[tuple[int, int], int]:
        """Images of all splits by (width, height)."""
        found: dict[tuple[int, int], int] = {}
        for count in self.splits.values():
            for size, images in count.sizes.items():
                found[size] = found.get(size, 0) + images
        return found

    @property
    def shares(self) -> list[float]:
        """Of the labelled pixels of all splits, by class."""
        pixels = [sum(count.pixels[i] for count in self.splits.values()) for i in range(len(self.classes))]
        return [count / max(1, sum(pixels)) for count in pixels]

    @property
    def absent(self) -> dict[Split, list[str]]:
        """Classes without a pixel, by split, where it has images."""
        return {
            split: [name for name, pixels in zip(self.classes, self.splits[split].pixels, strict=True) if not pixels]
            for split in SPLITS
            if self.splits[split].images
        }

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "fingerprint": self.fingerprint,
            "splits": {
                split: {
                    "images": count.images,
                    "sizes": {f"{width}x{height}": n for (width, height), n in count.sizes.items()},
                    "pixels": dict(zip(self.classes, count.pixels, strict=True)),
                    "void_pixels": count.void,
                    "images_with": dict(zip(self.classes, count.images_with, strict=True)),
                }
                for split, count in self.splits.items()
            },
            "note": self.note,
            "problems": list(self.problems),
        }
