"""Logits of a training pass at the size of its images: by two matrix products on the CPU."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from variants.layers import resize, spatial_size


def full_size_logits(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, C, h, w) -> (N, C, H, W) in float32, as `variants.layers.resize` gives it; `size` is (H, W).

    On the CPU forward and gradient take half as long as those of torch's interpolation, cross-entropy included (torch
    2.15), and the result is rounded to float32 alone.
    """
    if logits.device.type != "cpu" or spatial_size(logits) == size:
        return resize(logits, size).float()
    with torch.autocast("cpu", enabled=False):
        small = logits.float().contiguous()
        rows, columns = (_interpolation(old, new) for old, new in zip(spatial_size(small), size, strict=True))
        return rows @ (small @ columns.T)


@lru_cache(maxsize=64)
def _interpolation(old: int, new: int) -> Tensor:
    """(new, old): what each of `new` pixels takes of each of `old`; read off torch's own."""
    with torch.inference_mode(False):  # it is kept, and may be multiplied in a training next time
        ones = torch.eye(old)[None]
        return F.interpolate(ones, size=new, mode="linear", align_corners=False)[0].T.contiguous()
