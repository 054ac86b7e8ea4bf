"""Attention as a counter sees it: fused, left out, or written out as matrix products."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from bench.cost.attention_mode import AttentionMode
from bench.cost.audit.reading import IN_ATTENTION, Pass

_FUSED = (nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerEncoder)
"""Layers that torch may run as one operator in evaluation."""
_PAIRS_AT_ONCE = 2**24
"""Elements of the matrix of all pairs that are held at a time: rows go one part after another."""


def count_in_turns(net: nn.Module, count: Callable[[], Pass]) -> tuple[Pass, Pass]:
    """Let a counter count a network as it is, and with attention written out.

    What attention costs is the difference between written out and left out, so both by the counter's own formulas.

    Returns:
        The native pass, and the complete one, with what ran in attention named apart.
    """
    fused = any(isinstance(module, _FUSED) for module in net.modules())
    with _taken_apart(), _LeftOut() as left_out:
        without = count()
    native = count() if fused or left_out.calls else without
    if not left_out.calls:
        return native, without
    with _taken_apart(), _WrittenOut():
        whole = count()
    within = {name: macs - without.macs.get(name, 0) for name, macs in whole.macs.items()}
    attention = {IN_ATTENTION + name: macs for name, macs in within.items() if macs}
    calls = dict.fromkeys(attention, left_out.calls)
    return native, replace(without, macs={**without.macs, **attention}, calls={**without.calls, **calls})


class _LeftOut(AttentionMode):
    """Within it, attention gives a map of the right shape and does nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def attend(self, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        self.calls += 1
        return _no_attention(query, key, value, *args, **kwargs)


class _WrittenOut(AttentionMode):
    """Within it, attention is its formula: softmax(scale q k^T + mask) v."""

    def attend(self, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return _attention(query, key, value, *args, **kwargs)


def _no_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, *_: Any, **__: Any
) -> Tensor:
    """Depends on all that attention does, or a tracer would drop the layers before it, which nothing uses."""
    used = [x.sum() for x in (query, key, value, attn_mask) if x is not None]
    return query.new_zeros(*query.shape[:-1], value.shape[-1]) + torch.stack(used).sum()


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """The arguments are torch's own; some rows (..., rows, positions) of the matrix of all pairs at a time.

    Raises:
        NotImplementedError: attention of fewer pairs or heads, which no formula here is for.
    """
    if is_causal or enable_gqa:
        raise NotImplementedError("causal or grouped attention is not written out for the audit")
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    rows = max(1, _PAIRS_AT_ONCE // (query.shape[:-2].numel() * key.shape[-2]))
    parts = []
    for start in range(0, query.shape[-2], rows):
        pairs = scale * (query[..., start : start + rows, :] @ key.transpose(-1, -2))
        if attn_mask is not None:
            mask = attn_mask.expand(*attn_mask.shape[:-2], query.shape[-2], key.shape[-2])[..., start : start + rows, :]
            pairs = pairs.masked_fill(~mask, float("-inf")) if mask.dtype == torch.bool else pairs + mask
        parts.append(pairs.softmax(dim=-1) @ value)
    return torch.cat(parts, dim=-2)


@contextmanager
def _taken_apart() -> Iterator[None]:
    """Without torch's fused transformer layers."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
