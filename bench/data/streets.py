"""`streets`: generated street scenes in which a distant cue decides what a region is.

A street under a sky, houses, pavement, trees and cars. On one side of the image a lane marked off
from the road; on the other side, far away, a signal lamp. Green: the lane is open. Red: it is
closed. The lane's own pixels are drawn alike in both cases, so a network that looks only around a
pixel can at best guess.

Deterministic: sample i of a split depends only on (seed, split, i).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.data.base import DataError, OnDemand, OnProgress, Sample
from bench.data.inspection import Inspection, MaskCount, SplitCount
from bench.data.splits import SPLITS, Split
from bench.stats.confusion import IGNORE

GENERATOR = 1
"""Version of the drawing: raised when a pixel changes."""
SKY, BUILDING, ROAD, PAVEMENT, TREE, CAR, SIGNAL, OPEN_LANE, CLOSED_LANE = range(9)
_COLOURS = {
    SKY: (150, 180, 215),
    BUILDING: (140, 105, 90),
    ROAD: (95, 95, 100),
    PAVEMENT: (165, 160, 150),
    TREE: (60, 105, 55),
    SIGNAL: (35, 35, 40),
    OPEN_LANE: (120, 110, 80),
    CLOSED_LANE: (120, 110, 80),
}
_LAMPS = {OPEN_LANE: (40, 220, 90), CLOSED_LANE: (235, 50, 45)}
_SEED_OF_SPLIT = {"train": 1, "val": 2, "test": 3}
_NOISE = 10.0

Pixels = NDArray[np.float32]
Labels = NDArray[np.uint8]


class Streets:
    """Generated scenes of `width` x `height` pixels."""

    name = "streets"
    classes = (
        "sky",
        "building",
        "road",
        "pavement",
        "tree",
        "car",
        "signal",
        "open lane",
        "closed lane",
    )

    def __init__(
        self, width: int = 256, height: int = 96, train: int = 256, val: int = 64, test: int = 64, seed: int = 0
    ) -> None:
        self.width = width
        self.height = height
        self.counts = {"train": train, "val": val, "test": test}
        self.seed = seed

    def check(self) -> None:
        """Refuse sizes and counts that draw no street.

        Raises:
            DataError: an option is too small or no whole number.
        """
        least = {"width": 64, "height": 32, "train": 2, "val": 1, "test": 1, "seed": 0}
        given = {"width": self.width, "height": self.height, "seed": self.seed, **self.counts}
        for name, value in given.items():
            if not isinstance(value, int) or value < least[name]:
                raise DataError(
                    f"streets: option {name} is {value!r}; it takes a whole number from {least[name]} up", name
                )

    def fingerprint(self) -> str:
        """12 hex digits over all that decides a pixel."""
        text = f"{GENERATOR} {self.width} {self.height} {self.counts} {self.seed}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def inspect(self, on_progress: OnProgress = lambda done, total: None) -> Inspection:
        """Draw every sample once; see `Dataset.inspect`.

        Raises:
            DataError: as `check`.
        """
        self.check()
        splits: dict[Split, SplitCount] = {}
        done, total = 0, sum(self.counts.values())
        for split in SPLITS:
            counts = []
            for sample in self.load(split):
                counts.append(MaskCount.of(sample.mask, len(self.classes)))
                on_progress(done := done + 1, total)
            splits[split] = SplitCount.of(counts, len(self.classes))
        return Inspection(
            classes=self.classes, splits=splits, problems=(), fingerprint=self.fingerprint(), note="drawn by seed"
        )

    def load(self, split: Split) -> Sequence[Sample]:
        """A split; each sample is drawn when it is asked for."""
        return OnDemand(self.counts[split], lambda index: self.draw(split, index))

    def count(self, split: Split) -> int:
        """Samples in a split."""
        return self.counts[split]

    def sizes(self, split: Split) -> set[tuple[int, int]]:
        """Width and height of every image, in pixels."""
        return {(self.width, self.height)}

    def typical_size(self) -> tuple[int, int]:
        """Width and height of every image, in pixels."""
        return self.width, self.height

    def describe(self) -> str:
        """`256 train, 64 val, 64 test, images of 256x96`."""
        counts = ", ".join(f"{self.counts[split]} {split}" for split in SPLITS)
        return f"{counts}, images of {self.width}x{self.height}"

    def draw(self, split: Split, index: int) -> Sample:
        """Draw one scene."""
        rng = np.random.default_rng([self.seed, _SEED_OF_SPLIT[split], index])
        labels, lane = _layout(rng, self.width, self.height)
        pixels = _paint(rng, labels)
        _cars(rng, labels, pixels)
        _lamp(rng, labels, pixels, lane)
        labels[-max(1, self.height // 32) :] = IGNORE  # the bonnet of the own car
        image = np.clip(pixels + rng.normal(0, _NOISE, pixels.shape), 0, 255).astype(np.uint8)
        if rng.random() < 0.5:
            image, labels = image[:, ::-1], labels[:, ::-1]
        return Sample(np.ascontiguousarray(image), np.ascontiguousarray(labels))


def _layout(rng: np.random.Generator, width: int, height: int) -> tuple[Labels, int]:
    """Sky, houses, pavement, road and the lane at the left edge; returns labels and the lane's class."""
    labels = np.full((height, width), SKY, np.uint8)
    horizon = int(height * rng.uniform(0.42, 0.52))
    kerb = horizon + max(2, int(height * rng.uniform(0.08, 0.14)))
    x = 0
    while x < width:
        house = int(width * rng.uniform(0.08, 0.18))
        top = int(height * rng.uniform(0.1, 0.38))
        labels[top:horizon, x : x + house] = BUILDING
        x += house + int(width * rng.uniform(0.0, 0.05))
    labels[horizon:kerb] = PAVEMENT
    labels[kerb:] = ROAD
    for _ in range(rng.integers(1, 4)):
        _tree(rng, labels, horizon)
    lane = OPEN_LANE if rng.random() < 0.5 else CLOSED_LANE
    labels[kerb + 2 :, : int(width * rng.uniform(0.16, 0.24))] = lane
    return labels, lane


def _tree(rng: np.random.Generator, labels: Labels, horizon: int) -> None:
    height, width = labels.shape
    rows, columns = np.ogrid[:height, :width]
    radius = height * rng.uniform(0.08, 0.15)
    x, y = width * rng.uniform(0.1, 0.7), horizon - radius
    labels[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = TREE


def _paint(rng: np.random.Generator, labels: Labels) -> Pixels:
    """Colour by class under one light; the two lanes share their colour and their texture."""
    palette = np.zeros((256, 3), np.float32)
    for label, colour in _COLOURS.items():
        palette[label] = np.array(colour) + rng.normal(0, 12, 3)
    palette[CLOSED_LANE] = palette[OPEN_LANE]
    pixels = palette[labels] * np.float32(rng.uniform(0.8, 1.15))
    lane = (labels == OPEN_LANE) | (labels == CLOSED_LANE)
    pixels[lane & (np.indices(labels.shape).sum(axis=0) % 8 < 2)] += 25  # hatching marks the lane
    return pixels


def _cars(rng: np.random.Generator, labels: Labels, pixels: Pixels) -> None:
    height, width = labels.shape
    for _ in range(rng.integers(1, 4)):
        h, w = int(height * rng.uniform(0.12, 0.2)), int(width * rng.uniform(0.08, 0.14))
        y, x = int(height * rng.uniform(0.62, 0.78)), int(width * rng.uniform(0.28, 0.7))
        labels[y : y + h, x : x + w] = CAR
        pixels[y : y + h, x : x + w] = rng.uniform(20, 235, 3)
        pixels[y + h // 5 : y + h // 2, x + w // 6 : x + w - w // 6] = 45  # window


def _lamp(rng: np.random.Generator, labels: Labels, pixels: Pixels, lane: int) -> None:
    """The signal at the right edge: the only pixels that know whether the lane is open."""
    height, width = labels.shape
    side = max(4, height // 8)
    y, x = int(height * rng.uniform(0.2, 0.32)), int(width * rng.uniform(0.86, 0.94))
    box = (slice(y, y + side + 2), slice(x, x + side))
    labels[box] = SIGNAL
    pixels[box] = _COLOURS[SIGNAL]
    pixels[y + 1 : y + side + 1, x + 1 : x + side - 1] = _LAMPS[lane]
