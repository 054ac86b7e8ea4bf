"""Softmax attention over the positions of a map, without the position-by-position matrix."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor
from torch.nn import functional as F


def to_tokens(x: Tensor, heads: int = 1) -> Tensor:
    """(N, C, H, W) -> (N, heads, H * W, C / heads)."""
    n, c, h, w = x.shape
    return x.reshape(n, heads, c // heads, h * w).transpose(2, 3)


def to_map(tokens: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, heads, H * W, C / heads) -> (N, C, H, W); the inverse of `to_tokens`."""
    n, heads, _, c = tokens.shape
    return tokens.transpose(2, 3).reshape(n, heads * c, *size)


def attend(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """softmax(scale * query key^T) value, in float32 also under mixed precision.

    All of shape (N, heads, positions, channels). float32, because a low temperature makes the
    logits so large that half precision loses the differences between them. Contiguous, because the
    kernels that never hold the matrix of all pairs ask for it.
    """
    with without_autocast(query.device.type):
        q, k, v = (full_precision(x).contiguous() for x in (query, key, value))
        out: Tensor = F.scaled_dot_product_attention(q, k, v, scale=scale)
    return out.to(value.dtype)


def without_autocast(device_type: str) -> AbstractContextManager[object]:
    """Switch mixed precision off; the meta device, where shapes are counted, knows none."""
    if torch.amp.is_autocast_available(device_type):
        return torch.autocast(device_type, enabled=False)
    return nullcontext()


def full_precision(x: Tensor) -> Tensor:
    """Half precision to float32; float32 and float64 as they are."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
