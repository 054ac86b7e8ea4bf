"""What a training minimises at each pixel: cross-entropy, by class weights and on the hard pixels alone where asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.data.base import Sample
from bench.settings.schedule import ClassWeighting, HardPixels
from bench.stats.confusion import IGNORE

_ENET_OFFSET = 1.02


class PixelLoss(nn.Module):
    """Cross-entropy over the pixels that are not void; 0 where there is none."""

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, hard_pixels: HardPixels | None = None) -> None:
        """`weight`: (classes,), of the pixels of each class; None weighs all alike."""
        super().__init__()
        self.register_buffer("weight", weight)
        self.hard_pixels = hard_pixels

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """(N, classes, H, W) and (N, H, W) int64 with IGNORE -> a scalar."""
        if not bool((targets != IGNORE).any()):
            return logits.sum() * 0
        if self.hard_pixels is None:
            return F.cross_entropy(logits, targets, self.weight, ignore_index=IGNORE)
        return self._of_hard_pixels(logits, targets, self.hard_pixels)

    def _of_hard_pixels(self, logits: Tensor, targets: Tensor, hard: HardPixels) -> Tensor:
        """Mean over the pixels whose class has less than the threshold's probability, and at least a share of all.

        Online hard example mining, Shrivastava et al., CVPR 2016, on pixels.
        """
        losses = F.cross_entropy(logits, targets, ignore_index=IGNORE, reduction="none").flatten()
        labels = targets.flatten()
        kept = labels != IGNORE
        losses, labels = losses[kept], labels[kept]
        least = max(1, int(hard.least_share * len(losses)))
        bound = min(float(-np.log(hard.threshold)), float(losses.detach().topk(least).values[-1]))
        chosen = losses >= bound
        weights = torch.ones_like(losses) if self.weight is None else self.weight[labels]
        return (losses * weights)[chosen].sum() / weights[chosen].sum()


def class_weights(samples: Sequence[Sample], classes: int, how: ClassWeighting) -> Tensor | None:
    """(classes,) float32 of the pixels of a training split; a class without a pixel weighs 1. None for "none".

    median_frequency: median over classes of f_c, over f_c, where f_c is the share of a class in the images that hold it
    (Eigen and Fergus, ICCV 2015; SegNet on CamVid). logarithmic: 1 / ln(1.02 + share) (ENet, Paszke et al., 2016).
    """
    if how == "none":
        return None
    counts = np.stack([np.bincount(s.mask.ravel(), minlength=IGNORE + 1)[:classes] for s in samples]).astype(np.float64)
    occurs = counts.sum(axis=0) > 0
    weights = np.ones(classes)
    if how == "logarithmic":
        weights[occurs] = 1 / np.log(_ENET_OFFSET + counts.sum(axis=0)[occurs] / counts.sum())
        return torch.tensor(weights, dtype=torch.float32)
    in_images = np.where(counts > 0, counts.sum(axis=1, keepdims=True), 0).sum(axis=0)
    frequency = counts.sum(axis=0)[occurs] / in_images[occurs]
    weights[occurs] = np.median(frequency) / frequency
    return torch.tensor(weights, dtype=torch.float32)
