"""A second opinion on the multiply-adds, by ptflops, which traces in another way."""

from __future__ import annotations

import io

from ptflops import get_model_complexity_info
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

TOLERANCE = 0.01
"""Relative difference up to which two counters agree: ptflops adds biases of linear layers."""


def count_macs_with_ptflops(net: nn.Module, width: int, height: int) -> int:
    """Multiply-adds of one RGB image of `width` x `height` pixels, by ptflops' aten back end.

    Fused attention is taken apart into its matrix products, because ptflops counts it as zero.
    ptflops can leave torch patched after an error: call this in a process of its own.
    """
    with sdpa_kernel(SDPBackend.MATH):
        macs, _ = get_model_complexity_info(
            net.eval(),
            (3, height, width),
            as_strings=False,
            print_per_layer_stat=False,
            verbose=False,
            ost=io.StringIO(),
            backend="aten",
        )
    return int(macs)


def relative_difference(ours: int, theirs: int) -> float:
    """(theirs - ours) / ours."""
    return (theirs - ours) / ours
