"""Evaluate one network on one split: whole images at their own size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from bench.accuracy.confusion import Counts, class_iou, confusion_matrix, mean_iou, miou_interval
from bench.accuracy.datasets.base import Sample

SCOPE = "whole images at their own size, weights of the last epoch"


@dataclass(frozen=True)
class Evaluation:
    """mIoU (0 to 1) over a split with its 95 % bootstrap interval over the images."""

    miou: float
    low: float
    high: float
    class_iou: list[float | None]
    confusion: list[list[int]]


def evaluate(net: nn.Module, samples: list[Sample], classes: int, device: str = "cpu") -> Evaluation:
    """Predict every image of `samples` and score it against one confusion matrix over all of them."""
    net.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    per_image = np.stack([_score(net, sample, classes, device) for sample in samples])
    total = per_image.sum(axis=0)
    low, high = miou_interval(per_image)
    iou = [None if np.isnan(value) else float(value) for value in class_iou(total)]
    return Evaluation(mean_iou(total), low, high, iou, total.tolist())


@torch.inference_mode()
def _score(net: nn.Module, sample: Sample, classes: int, device: str) -> Counts:
    image = torch.from_numpy(sample.image.copy()).permute(2, 0, 1)[None].to(device).float().div_(255)
    logits = net(image.contiguous(memory_format=torch.channels_last))  # (1, classes, H, W)
    predicted = logits.argmax(dim=1)[0].to(torch.uint8).cpu().numpy()
    return confusion_matrix(sample.mask, predicted, classes)
