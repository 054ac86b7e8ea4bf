"""The loop that one writes first, to be compared with: float32, contiguous, every image augmented as a whole."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision import tv_tensors
from torchvision.transforms import v2

from bench.accuracy.course import Course
from bench.data.base import Sample
from bench.settings.schedule import Schedule
from bench.stats.confusion import IGNORE


def plain_transform(schedule: Schedule) -> v2.Transform:
    """Random scale of the whole image, crop, flip, floats: torchvision's own, one image at a time."""
    width, height = schedule.crop or (0, 0)
    fill = {tv_tensors.Image: 0, tv_tensors.Mask: IGNORE}
    crop = [v2.RandomCrop((height, width), pad_if_needed=True, fill=fill)] if schedule.crop else []
    flip = [v2.RandomHorizontalFlip()] if schedule.flip else []
    return v2.Compose([*crop, *flip, v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}, scale=True)])


def plain_batch(samples: Sequence[Sample], schedule: Schedule) -> tuple[Tensor, Tensor]:
    """Images (N, 3, H, W) float32 and targets (N, H, W) int64."""
    transform = plain_transform(schedule)
    low, high = schedule.scale
    pairs = []
    for sample in samples:
        image = tv_tensors.Image(torch.from_numpy(sample.image.copy()).permute(2, 0, 1))
        mask = tv_tensors.Mask(torch.from_numpy(sample.mask.copy()))
        factor = low + (high - low) * float(torch.rand(()))
        size = [max(1, round(side * factor)) for side in sample.mask.shape]
        pairs.append(transform(*v2.Resize(size, antialias=True)(image, mask)))
    return torch.stack([image for image, _ in pairs]), torch.stack([mask for _, mask in pairs]).long()


def plain_step(course: Course, samples: Sequence[Sample], schedule: Schedule, weight: Tensor | None = None) -> float:
    """One step of the network of `course`, in its own precision and memory layout; returns the loss.

    weight: (classes,) of the cross-entropy, where the recipe weighs classes.
    """
    images, targets = plain_batch(samples, schedule)
    net: nn.Module = course.net
    return course.update(F.cross_entropy(net(images), targets, weight, ignore_index=IGNORE))
