"""Random scale, crop and flip: image and mask move together."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from bench.accuracy.confusion import IGNORE
from bench.accuracy.datasets.base import Sample
from bench.accuracy.schedule import Schedule


class Augment:
    """Turns samples into a training batch; draws from torch's global random state."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.flip = v2.RandomHorizontalFlip(p=0.5 if schedule.flip else 0.0)
        self.crop = _random_crop(schedule.crop) if schedule.crop else None

    def batch(self, samples: list[Sample]) -> tuple[Tensor, Tensor]:
        """Samples -> images (N, 3, H, W) float32 in [0, 1], targets (N, H, W) int64."""
        pairs = [self._one(sample) for sample in samples]
        images = torch.stack([image for image, _ in pairs]).float().div_(255)
        targets = torch.stack([mask for _, mask in pairs]).long()
        return images.contiguous(memory_format=torch.channels_last), targets

    def _one(self, sample: Sample) -> tuple[Tensor, Tensor]:
        image = tv_tensors.Image(torch.from_numpy(sample.image.copy()).permute(2, 0, 1))
        mask = tv_tensors.Mask(torch.from_numpy(sample.mask.copy()))
        image, mask = self.flip(image, mask)
        if self.crop is not None:
            image, mask = self.crop(*self._scaled(image, mask))
        return image.as_subclass(Tensor), mask.as_subclass(Tensor)

    def _scaled(self, image: tv_tensors.Image, mask: tv_tensors.Mask) -> tuple[Tensor, Tensor]:
        low, high = self.schedule.scale
        factor = low + (high - low) * float(torch.rand(()))
        size = [max(1, round(side * factor)) for side in image.shape[-2:]]
        image, mask = v2.Resize(size, antialias=True)(image, mask)
        return image, mask


def _random_crop(size: tuple[int, int]) -> v2.RandomCrop:
    """Crop of (width, height); where the image is smaller, padded with void."""
    fill = {tv_tensors.Image: 0, tv_tensors.Mask: IGNORE}
    return v2.RandomCrop((size[1], size[0]), pad_if_needed=True, fill=fill)
