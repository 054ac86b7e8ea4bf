"""Statistics of batch norms, estimated anew on unlabelled images of the new domain."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

_BATCH = 8


@torch.no_grad()
def with_statistics_of(net: nn.Module, images: Sequence[NDArray[np.uint8]], device: str) -> nn.Module:
    """A copy of `net` whose batch norms hold the means and variances of these images (Li et al., AdaBN, 2016).

    Args:
        images: (H, W, 3); those of one size make batches.
    """
    adapted = copy.deepcopy(net).to(device).eval()
    for module in adapted.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # a plain mean over batches
            module.train()
    for batch in _batches(images):
        pixels = torch.from_numpy(np.stack(batch)).permute(0, 3, 1, 2).to(device).float().div_(255)
        adapted(pixels.contiguous(memory_format=torch.channels_last))
    return adapted.eval()


def _batches(images: Sequence[NDArray[np.uint8]]) -> list[list[NDArray[np.uint8]]]:
    by_size: dict[tuple[int, ...], list[NDArray[np.uint8]]] = {}
    for image in images:
        by_size.setdefault(image.shape, []).append(image)
    return [some[at : at + _BATCH] for some in by_size.values() for at in range(0, len(some), _BATCH)]
