"""fvcore's count: a trace by torch.jit, on real tensors."""

from __future__ import annotations

import logging
import warnings

import torch
from fvcore.nn import FlopCountAnalysis
from torch import nn

from bench.cost.audit.reading import Pass, Reading, align, looks_like_product
from bench.cost.audit.written_out import count_in_turns

NAME = "fvcore"
_PRODUCTS = frozenset("linear addmm mm matmul bmm einsum".split())
_LEFT_OUT = {
    **dict.fromkeys("batch_norm group_norm layer_norm instance_norm".split(), "norms, not of the core"),
    **dict.fromkeys("upsample_nearest2d upsample_bilinear2d grid_sampler".split(), "resizing, not of the core"),
    "adaptive_avg_pool2d": "pooling, not of the core",
}


def read(net: nn.Module, width: int, height: int) -> Reading:
    """Count one RGB image of `width` x `height` pixels; the network is in eval mode and on the CPU.

    fvcore's "flops" are multiply-adds.
    """
    image = torch.zeros(1, 3, height, width)
    native, complete = count_in_turns(net, lambda: _count(net, image))
    return align(NAME, native, complete=complete, products=_PRODUCTS, left_out=_LEFT_OUT)


def _count(net: nn.Module, image: torch.Tensor) -> Pass:
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch.jit's tracer: shapes are fixed here
        analysis = FlopCountAnalysis(net, image).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        analysis.tracer_warnings("none")
        macs = {str(name): int(value) for name, value in analysis.by_operator().items()}
        skipped = {name.removeprefix("aten::"): calls for name, calls in analysis.unsupported_ops().items()}
    return Pass(macs, no_formula={name: calls for name, calls in skipped.items() if looks_like_product(name)})
