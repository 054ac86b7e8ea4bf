"""A second opinion on the multiply-adds, by ptflops, which traces in another way."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

from ptflops import get_model_complexity_info
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

TOLERANCE = 0.001
"""Relative difference up to which two counters agree."""


def count_macs_with_ptflops(net: nn.Module, width: int, height: int) -> int:
    """Multiply-adds of one RGB image of `width` x `height` pixels, by ptflops' aten back end.

    Fused attention is taken apart into its matrix products, because ptflops counts it as zero. The
    additions of biases, which ptflops counts as multiply-adds, are taken off again.
    ptflops can leave torch patched after an error: call this in a process of its own.
    """
    with sdpa_kernel(SDPBackend.MATH), _bias_additions(net) as additions:
        macs, _ = get_model_complexity_info(
            net.eval(),
            (3, height, width),
            as_strings=False,
            print_per_layer_stat=False,
            verbose=False,
            ost=io.StringIO(),
            backend="aten",
        )
    return int(macs) - sum(additions)


def relative_difference(ours: int, theirs: int) -> float:
    """(theirs - ours) / ours."""
    return (theirs - ours) / ours


@contextmanager
def _bias_additions(net: nn.Module) -> Iterator[list[int]]:
    """Collect, while the network runs, how many elements each biased layer puts out."""
    additions: list[int] = []

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        additions.append(output.numel())

    biased = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear) and m.bias is not None]
    handles = [module.register_forward_hook(count) for module in biased]
    try:
        yield additions
    finally:
        for handle in handles:
            handle.remove()
