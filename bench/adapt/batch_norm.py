"""Statistics of batch norms, estimated anew on unlabelled images of the new domain."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

METHOD = 2
"""Version of the estimate: 1 weighed batches alike, whatever their size, and left out the variance between them."""
_BATCH = 8


class _Moments:
    """Mean and mean square of each channel of what a batch norm gets, over images that weigh alike."""

    def __init__(self) -> None:
        self.images = 0
        self.mean: Tensor | float = 0.0
        self.square: Tensor | float = 0.0

    def add(self, x: Tensor) -> None:
        """x: (N, C, H, W)."""
        images = len(x)
        self.images += images
        share = images / self.images
        values = x.double()
        self.mean = self.mean + share * (values.mean(dim=(0, 2, 3)) - self.mean)
        self.square = self.square + share * (values.square().mean(dim=(0, 2, 3)) - self.square)


@torch.no_grad()
def with_statistics_of(net: nn.Module, images: Sequence[NDArray[np.uint8]], device: str) -> nn.Module:
    """A copy of `net` whose batch norms hold the means and variances of these images (Li et al., AdaBN, 2016).

    While they are taken each batch norm works by those of its batch, as it does in training.

    Args:
        images: (H, W, 3); those of one size make batches.
    """
    adapted = copy.deepcopy(net).to(device).eval()
    norms = [module for module in adapted.modules() if isinstance(module, nn.BatchNorm2d)]
    moments = {norm: _Moments() for norm in norms}
    hooks = [norm.register_forward_pre_hook(partial(_look, moments[norm])) for norm in norms]
    for norm in norms:
        norm.train()
    for batch in _batches(images):
        pixels = torch.from_numpy(np.stack(batch)).permute(0, 3, 1, 2).to(device).float().div_(255)
        adapted(pixels.contiguous(memory_format=torch.channels_last))
    for hook in hooks:
        hook.remove()
    for norm, seen in moments.items():
        _take(norm, seen)
    return adapted.eval()


def _look(moments: _Moments, norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    moments.add(inputs[0])


def _take(norm: nn.BatchNorm2d, seen: _Moments) -> None:
    if not seen.images or norm.running_mean is None or norm.running_var is None:
        return
    mean, square = torch.as_tensor(seen.mean), torch.as_tensor(seen.square)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_((square - mean.square()).clamp(min=0))


def _batches(images: Iterable[NDArray[np.uint8]]) -> list[list[NDArray[np.uint8]]]:
    by_size: dict[tuple[int, ...], list[NDArray[np.uint8]]] = {}
    for image in images:
        by_size.setdefault(image.shape, []).append(image)
    return [some[at : at + _BATCH] for some in by_size.values() for at in range(0, len(some), _BATCH)]
