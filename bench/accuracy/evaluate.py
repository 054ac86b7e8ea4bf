"""Evaluate one network on one split: a confusion matrix of every image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from bench.accuracy.boundary import boundary_counts, boundary_iou
from bench.accuracy.predict import predict
from bench.data.base import Sample
from bench.settings.evaluation import Evaluation
from bench.stats.bootstrap import miou_interval
from bench.stats.confusion import Counts, confusion_matrix
from bench.stats.interval import Interval
from bench.stats.scores import Scores, class_iou


@dataclass(frozen=True)
class Result:
    """What a network did on a split.

    per_image: (images, classes, classes) pixels by target and prediction. boundary: (images, 3, classes), where asked.
    """

    per_image: Counts
    boundary: Counts | None = None

    @property
    def confusion(self) -> Counts:
        """(classes, classes) over all images."""
        total: Counts = self.per_image.sum(axis=0)
        return total

    @property
    def class_iou(self) -> Scores:
        """(classes,), NaN where a class does not occur."""
        return class_iou(self.confusion)

    @property
    def miou(self) -> Interval:
        """With its 95 % bootstrap interval over the images."""
        return miou_interval([self.per_image])

    @property
    def boundary_iou(self) -> float | None:
        """Mean over the classes that occur; None where it was not asked for."""
        return None if self.boundary is None else float(np.nanmean(boundary_iou(self.boundary.sum(axis=0))))


def evaluate(
    net: nn.Module, samples: Sequence[Sample], classes: int, device: str = "cpu", how: Evaluation | None = None
) -> Result:
    """Predict every image of `samples`."""
    how = how or Evaluation()
    net.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    matrices, boundaries = [], []
    for sample in samples:
        image = torch.from_numpy(sample.image.copy()).permute(2, 0, 1)[None].to(device).float().div_(255)
        predicted = predict(net, image, how).to(torch.uint8).cpu().numpy()
        matrices.append(confusion_matrix(sample.mask, predicted, classes))
        if how.boundary:
            boundaries.append(boundary_counts(sample.mask, predicted, classes))
    return Result(np.stack(matrices), np.stack(boundaries) if boundaries else None)
