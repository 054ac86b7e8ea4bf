"""What is doubtful about the mIoUs of a study: a line a kind."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set

from scipy.stats import norm, t

from bench.storage.confusions import Confusions
from bench.storage.records import AccuracyRecord

_FEW = 30
"""Images of a validation split."""
_SPLITS = ("val", "test")


def accuracy_lines(accuracy: Sequence[AccuracyRecord], confusions: Confusions | None) -> list[str]:
    """Other starts, classes that do not occur, few images, matrices that are gone.

    Raises:
        UserError: a file of matrices is broken.
    """
    lines = [*_start_lines(accuracy), *_class_lines(accuracy)]
    if confusions is None:
        return lines
    gone = keys_without_matrices(accuracy, confusions)
    kept = next((record.key for record in accuracy if record.key not in gone), None)
    images = confusions.count(kept, "val") if kept else 0
    return [*lines, *_matrix_lines(len(accuracy), gone), *few_images_lines(images)]


def keys_without_matrices(accuracy: Sequence[AccuracyRecord], confusions: Confusions) -> set[str]:
    """Of the trainings that ended, those whose confusion matrices are in no folder of results."""
    return {r.key for r in accuracy if r.status == "ok" and confusions.find(r.key) is None}


def few_images_lines(images: int) -> list[str]:
    """That intervals over so few images are too narrow. images: of the validation split; 0 where it is not known."""
    if not 0 < images < _FEW:
        return []
    if images == 1:
        return ["the validation split has 1 image: what others would change is not known, and no interval says it"]
    return [
        f"the validation split has {images} images: intervals drawn from so few should be about "
        f"{100 * missing_width(images):.0f} % wider"
    ]


def missing_width(images: int) -> float:
    """Share by which intervals that are drawn from so few images, two or more, should be wider.

    The bootstrap of a mean knows neither Student's t nor the freedom that the mean takes (Hesterberg 2015).
    """
    freedom = images - 1
    return float(t.ppf(0.975, freedom) / norm.ppf(0.975) * math.sqrt(images / freedom)) - 1


def _matrix_lines(trainings: int, gone: Set[str]) -> list[str]:
    if not gone:
        return []
    return [
        f"the confusion matrices of {len(gone)} of {trainings} trainings are not in results/: their mIoUs are compared "
        "with no other image by image; `bench sweep` with `--retry-doubtful` trains them again"
    ]


def _class_lines(accuracy: Sequence[AccuracyRecord]) -> list[str]:
    """Classes that no image holds, by the matrix of one variant: all were judged on the same images."""
    lines = []
    classes, details = accuracy[0].setting.classes, accuracy[0].details
    for split in _SPLITS:
        absent = [name for name, row in zip(classes, details[f"confusion_{split}"], strict=True) if not any(row)]
        if absent:
            lines.append(
                f"no image of the {split} split holds {', '.join(absent)}: mIoU {split} leaves out what no image "
                "holds, but counts it as 0 where a variant predicts it"
            )
    return lines


def _start_lines(accuracy: Sequence[AccuracyRecord]) -> list[str]:
    """Networks that start at random beside others that start from ImageNet weights."""
    if all(r.setting.weights == "random" for r in accuracy):
        return []
    names = dict.fromkeys(r.variant for r in accuracy if r.setting.weights == "random")
    return [f"started from random weights, since there are no ImageNet weights for it: {name}" for name in names]
