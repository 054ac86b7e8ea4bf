"""Random scale, crop and flip, where image and mask move together, and colour. Only the crop's pixels are resized."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as transform

from bench.data.base import Sample
from bench.settings.schedule import Schedule
from bench.stats.confusion import IGNORE


class Augment:
    """Turns samples into a training batch."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def batch(self, samples: Sequence[Sample], random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Samples -> images (N, 3, H, W), channels last, and targets (N, H, W), both uint8."""
        pairs = [self._one(sample, random) for sample in samples]
        images = torch.stack([image for image, _ in pairs]).contiguous(memory_format=torch.channels_last)
        return images, torch.cat([mask for _, mask in pairs])

    def _one(self, sample: Sample, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        factor, row, column, mirror = random.random(4).tolist()
        if self.schedule.crop is None:
            image, mask = _tensors(sample.image, sample.mask)
        else:
            low, high = self.schedule.scale
            image, mask = _crop(sample, low + (high - low) * factor, size=self.schedule.crop, row=row, column=column)
        if self.schedule.flip and mirror < 0.5:
            image, mask = transform.horizontal_flip(image), transform.horizontal_flip(mask)
        if self.schedule.colour_jitter:
            image = jittered(image, self.schedule.colour_jitter, random)
        return image, mask


def jittered(image: Tensor, strength: float, random: np.random.Generator) -> Tensor:
    """(3, H, W) uint8 with other brightness, contrast and saturation, each by a factor in 1 - strength to 1 + strength.

    As torchvision's ColorJitter, which draws from torch's global random state; without hue, which costs most of it.
    """
    brightness, contrast, saturation = random.uniform(1 - strength, 1 + strength, 3).tolist()
    image = transform.adjust_contrast(transform.adjust_brightness(image, brightness), contrast)
    coloured: Tensor = transform.adjust_saturation(image, saturation)
    return coloured


def _crop(sample: Sample, scale: float, size: tuple[int, int], row: float, column: float) -> tuple[Tensor, Tensor]:
    """The crop of `size` (width, height) that the image has at a scale; what lies beyond the image is void.

    row, column: where it lies, from 0 (at the top, at the left) to 1.
    """
    rows, height = _window(sample.mask.shape[0], scale, size[1], row)
    columns, width = _window(sample.mask.shape[1], scale, size[0], column)
    image, mask = _tensors(sample.image[rows, columns], sample.mask[rows, columns])
    image = transform.resize(image, [height, width], antialias=True)
    mask = transform.resize(mask, [height, width], interpolation=v2.InterpolationMode.NEAREST)
    if (width, height) == size:
        return image, mask
    top, left = (int((whole - part + 1) * at) for whole, part, at in ((size[1], height, row), (size[0], width, column)))
    beyond = [left, top, size[0] - width - left, size[1] - height - top]
    return transform.pad(image, beyond, fill=0), transform.pad(mask, beyond, fill=IGNORE)


def _window(length: int, scale: float, crop: int, at: float) -> tuple[slice, int]:
    """Along one side: the pixels of the image that the crop shows, and how many pixels of the crop they fill."""
    shown = min(length, max(1, round(crop / scale)))
    start = int((length - shown + 1) * at)
    return slice(start, start + shown), crop if shown < length else min(crop, max(1, round(length * scale)))


def _tensors(image: NDArray[np.uint8], mask: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    """(H, W, 3) and (H, W) -> (3, H, W) and (1, H, W), on memory of their own."""
    return torch.from_numpy(image.copy()).permute(2, 0, 1), torch.from_numpy(mask.copy())[None]
