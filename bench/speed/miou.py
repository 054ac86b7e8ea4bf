"""Our confusion matrix against torchmetrics', in turns on the same label maps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray
from torchmetrics.classification import MulticlassJaccardIndex

from bench.data.streets import Streets
from bench.stats.confusion import IGNORE, confusion_matrix
from bench.stats.scores import mean_iou

Labels = NDArray[np.uint8]
_WRONG = 0.05
"""Share of the pixels that the prediction of a street gets wrong, in blobs."""
_BLOB = 16
"""Pixels along the side of a blob."""


@dataclass(frozen=True)
class MiouRace:
    """Seconds an image by counter, one a round; a round's were taken one after the other.

    differs: by how much the two mIoUs differ at most.
    """

    seconds: dict[str, list[float]]
    differs: float

    def ratios(self) -> list[float]:
        """How many times as long torchmetrics took, round by round."""
        pairs = zip(self.seconds["torchmetrics"], self.seconds["bench"], strict=True)
        return [theirs / ours for theirs, ours in pairs]

    def images_a_second(self, counter: str) -> float:
        """The median over the rounds."""
        return 1 / median(self.seconds[counter])


def race_miou(maps: tuple[Labels, Labels], classes: int, rounds: int) -> MiouRace:
    """Count one image of target and prediction in turns.

    Each starts from what an evaluation holds: the mask as it was decoded, in bytes, and the int64 of an arg-max. What
    torchmetrics needs is made before its clock starts; what ours needs, within.
    """
    target, predicted = maps[0], torch.from_numpy(maps[1]).long()
    their_target = torch.from_numpy(target).long()
    theirs = MulticlassJaccardIndex(classes, ignore_index=IGNORE)
    seconds: dict[str, list[float]] = {"bench": [], "torchmetrics": []}
    total = np.zeros((classes, classes), np.int64)
    for number in range(rounds + 1):  # the first warms up
        start = time.perf_counter()
        total += confusion_matrix(target, predicted.to(torch.uint8).numpy(), classes)
        middle = time.perf_counter()
        theirs.update(predicted, their_target)
        end = time.perf_counter()
        if number:
            seconds["bench"].append(middle - start)
            seconds["torchmetrics"].append(end - middle)
    return MiouRace(seconds, abs(float(theirs.compute()) - float(mean_iou(total))))


def street_maps(width: int, height: int, classes: int) -> tuple[Labels, Labels]:
    """A generated street, and a prediction of it that is wrong in blobs; classes beyond the street's in some houses."""
    rng = np.random.default_rng(0)
    target = Streets(width, height, train=2, val=1, test=1).draw("train", 0).mask
    columns = np.arange(width) * (classes - len(Streets.classes)) // width + len(Streets.classes)
    target = np.where(target == 1, columns.astype(np.uint8), target)
    blobs = rng.random((-(-height // _BLOB), -(-width // _BLOB))) < _WRONG
    wrong = np.kron(blobs, np.ones((_BLOB, _BLOB), bool))[:height, :width]
    predicted = np.where(wrong | (target == IGNORE), (target.astype(int) + 1) % classes, target)
    return target, predicted.astype(np.uint8)


def noise_maps(width: int, height: int, classes: int) -> tuple[Labels, Labels]:
    """Every pixel at random: the hardest that there is to count."""
    rng = np.random.default_rng(0)
    target, predicted = (rng.integers(0, classes, (height, width), np.uint8) for _ in range(2))
    target[rng.random(target.shape) < _WRONG] = IGNORE
    return target, predicted
