"""A few images of the validation split, small, on which the predictions of variants are looked at side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from bench.accuracy.predict import predict
from bench.data.base import Sample
from bench.settings.evaluation import Evaluation

COUNT = 3
WIDTH = 240
"""Pixels, at most."""
Picture = NDArray[np.uint8]


def example_places(images: int) -> list[int]:
    """Which images of a split: in the middle of as many equal stretches, so that a video gives different scenes."""
    return sorted({(2 * i + 1) * images // (2 * COUNT) for i in range(COUNT)}) if images else []


def small_image(image: Picture) -> Picture:
    """(H, W, 3) at most `WIDTH` wide."""
    return np.asarray(Image.fromarray(image).resize(_size(image), Image.Resampling.LANCZOS), np.uint8)


def small_mask(mask: Picture) -> Picture:
    """(H, W) classes of as many pixels as `small_image`, each that of one pixel of the whole."""
    return np.asarray(Image.fromarray(mask).resize(_size(mask), Image.Resampling.NEAREST), np.uint8)


def predicted_examples(net: nn.Module, samples: Sequence[Sample], device: str, how: Evaluation) -> list[Picture]:
    """Class maps of the examples, small; `net` in eval mode on the device."""
    maps = []
    for place in example_places(len(samples)):
        image = torch.from_numpy(samples[place].image.copy()).permute(2, 0, 1)[None].to(device).float().div_(255)
        maps.append(small_mask(predict(net, image, how).to(torch.uint8).cpu().numpy()))
    return maps


def _size(image: Picture) -> tuple[int, int]:
    height, width = image.shape[:2]
    small = min(width, WIDTH)
    return small, max(1, round(height * small / width))
