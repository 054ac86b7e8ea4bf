"""Multiply-adds with fvcore: convolutions, linear layers and matrix products.

fvcore's own count adds norms and interpolation, misses fused attention, and passes over what it
does not know. Here norms and interpolation are left out (they are no multiply-adds of a matrix),
fused attention is counted by its formula, and whatever is neither counted nor known to have no
matrix product is named.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from fvcore.nn import FlopCountAnalysis
from torch import nn

METHOD = 1
"""Version of this way of counting: raised when it changes a number."""

_COUNTED = frozenset(
    "conv conv2d convolution linear addmm matmul mm bmm baddbmm einsum scaled_dot_product_attention".split()
)
_NO_MATRIX_PRODUCT = frozenset(
    """add sub rsub mul div neg pow sqrt rsqrt exp mean sum max min clamp abs ceil floor
    relu relu6 hardtanh hardswish hardsigmoid silu sigmoid tanh gelu leaky_relu softmax log_softmax
    dropout feature_dropout batch_norm layer_norm group_norm instance_norm
    upsample_bilinear2d upsample_nearest2d adaptive_avg_pool2d adaptive_max_pool2d avg_pool2d max_pool2d
    pad constant_pad_nd cat stack flip roll ones zeros full ones_like zeros_like arange repeat expand
    fill copy clone""".split()
)
"""Operators, without name space and in-place mark, that are known to hold no matrix product."""


@dataclass(frozen=True)
class MacCount:
    """`macs` of one image; `unknown` names operators that were not counted, with their calls."""

    macs: int
    unknown: dict[str, int]


def count_macs(net: nn.Module, width: int, height: int) -> MacCount:
    """Count one forward pass of one RGB image of `width` x `height` pixels.

    The network runs once on its real device in eval mode; one multiply-add counts once.
    """
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    image = torch.zeros(1, 3, height, width, device=next(net.parameters()).device)
    with torch.no_grad():
        analysis = FlopCountAnalysis(net.eval(), image)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        analysis.set_op_handle("aten::scaled_dot_product_attention", _attention_macs)
        by_operator = analysis.by_operator()
        unsupported = analysis.unsupported_ops()
    macs = sum(int(count) for name, count in by_operator.items() if _bare(name) in _COUNTED)
    seen = {name: 0 for name in by_operator if _bare(name) not in _COUNTED} | dict(unsupported)
    unknown = {name: calls for name, calls in seen.items() if _bare(name) not in _NO_MATRIX_PRODUCT}
    return MacCount(macs, unknown)


def _attention_macs(inputs: list[Any], outputs: list[Any]) -> int:
    """query key^T and weights value: (..., L, E), (..., S, E), (..., S, V) -> L S (E + V) a head."""
    query, key, value = (i.type().sizes() for i in inputs[:3])
    return int(prod(query[:-2]) * query[-2] * key[-2] * (query[-1] + value[-1]))


def _bare(operator: str) -> str:
    """`aten::_convolution` and `relu_` -> `convolution` and `relu`."""
    return operator.rpartition("::")[2].strip("_")
