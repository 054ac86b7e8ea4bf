"""Predict one image: the network over all of it or over windows, mirrored and resized as asked."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.settings.evaluation import Evaluation


@torch.inference_mode()
def predict(net: nn.Module, image: Tensor, how: Evaluation) -> Tensor:
    """(1, 3, H, W) float32 in [0, 1] -> (H, W) int64 class of each pixel.

    Args:
        net: in eval mode, on the image's device; gives logits at the size of what it gets.
    """
    if how.is_plain:
        return _logits(net, image, how).argmax(dim=1)[0]
    size = image.shape[-2:]
    total: Tensor | None = None
    for view, mirrored in _views(image, how):
        logits = _logits(net, view, how)
        logits = logits.flip(-1) if mirrored else logits
        if logits.shape[-2:] != size:
            logits = F.interpolate(logits, size=size, mode="bilinear", align_corners=False)
        probabilities = logits.softmax(dim=1)
        total = probabilities if total is None else total + probabilities
    assert total is not None
    return total.argmax(dim=1)[0]


def _views(image: Tensor, how: Evaluation) -> Iterator[tuple[Tensor, bool]]:
    """The image at each scale, plain and mirrored."""
    height, width = image.shape[-2:]
    for scale in how.scales:
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        view = image
        if size != (height, width):
            view = F.interpolate(image, size=size, mode="bilinear", align_corners=False, antialias=True)
        for mirrored in (False, True) if how.flip else (False,):
            yield (view.flip(-1) if mirrored else view), mirrored


def _logits(net: nn.Module, image: Tensor, how: Evaluation) -> Tensor:
    """(1, classes, H, W); of windows, the mean of those that hold a pixel."""
    if how.window is None:
        return _run(net, image)
    height, width = image.shape[-2:]
    window = (min(how.window[1], height), min(how.window[0], width))
    total, count = torch.zeros(()), torch.zeros(1, 1, height, width, device=image.device)
    for top in starts(height, window[0], how.overlap):
        for left in starts(width, window[1], how.overlap):
            at = (..., slice(top, top + window[0]), slice(left, left + window[1]))
            logits = _run(net, image[at])
            if not total.dim():
                total = logits.new_zeros(1, logits.shape[1], height, width)
            total[at] += logits
            count[at] += 1
    return total / count


def starts(length: int, window: int, overlap: float) -> list[int]:
    """First pixels of the windows along one side: evenly spaced, the last one ends at the edge."""
    stride = max(1, int(window * (1 - overlap)))
    steps = -(-(length - window) // stride)
    return [round(step * (length - window) / steps) for step in range(steps + 1)] if steps else [0]


def _run(net: nn.Module, image: Tensor) -> Tensor:
    logits: Tensor = net(image.contiguous(memory_format=torch.channels_last))
    return logits
