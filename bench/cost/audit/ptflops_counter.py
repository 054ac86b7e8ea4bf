"""ptflops' count: its aten back end, which watches torch's dispatcher as our engine does, with formulas of its own."""

from __future__ import annotations

import io
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import torch
from ptflops import get_model_complexity_info
from ptflops.aten_engine import FlopCounterMode
from ptflops.pytorch_ops import MODULES_MAPPING
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils._python_dispatch import TorchDispatchMode

from bench.cost.audit.reading import Pass, Reading, align, looks_like_product
from bench.cost.audit.written_out import count_in_turns

NAME = "ptflops"
_BIAS = "bias of "
_PRODUCTS = frozenset("mm matmul addmm bmm".split())
_CONVOLUTIONS = ("convolution", "_convolution")
_LEFT_OUT = {_BIAS + name: "additions of a bias, counted as multiply-adds" for name in ("addmm", *_CONVOLUTIONS)}
_NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm)
WITH_LAYERS, NORMS = "pytorch back end, in all", "pytorch back end, norms alone"
"""Of ptflops' other back end, which looks at layers and adds norms, activations and pooling."""


def read(net: nn.Module, width: int, height: int) -> Reading:
    """Count one RGB image of `width` x `height` pixels; the network is in eval mode and on the CPU.

    ptflops' other back end can leave torch patched after an error: call this in a process of its own.
    """
    image = torch.zeros(1, 3, height, width)
    native, complete = count_in_turns(net, lambda: _count(net, image))
    return align(
        NAME,
        native,
        complete=complete,
        products=_PRODUCTS,
        left_out=_LEFT_OUT,
        beside=_count_layers(net, width, height),
    )


def _count(net: nn.Module, image: torch.Tensor) -> Pass:
    """One pass; the additions of biases are named apart, so that the sum is what ptflops prints."""
    counter = FlopCounterMode(net)
    with torch.no_grad(), _Watch() as watch, counter:
        net(image)
    macs = {packet.__name__: int(found) for packet, found in counter.flop_counts["Global"].items()}
    for name, additions in watch.additions.items():
        macs[name.removeprefix(_BIAS)] -= additions
    known = {packet.__name__ for packet in counter.all_ops} | set(_LEFT_OUT)
    unknown = {name: n for name, n in watch.calls.items() if looks_like_product(name) and name not in known}
    return Pass(macs | watch.additions, watch.calls, unknown)


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees each operator that ptflops has seen, and the elements to which it adds a bias.

    Linear layers on tensors that are not contiguous add theirs by an operator of its own, which ptflops does not
    count: layers do not tell, operators do.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: Counter[str] = Counter()
        self.additions: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        name = func._overloadpacket.__name__
        self.calls[name] += 1
        if name == "addmm" or (name in _CONVOLUTIONS and args[2] is not None):
            self.calls[_BIAS + name] += 1
            self.additions[_BIAS + name] += out.numel()
        return out


def _count_layers(net: nn.Module, width: int, height: int) -> dict[str, int]:
    """What the pytorch back end prints, and how much of it are norms; nothing where it fails."""
    norms = [0]

    def count_norm(module: Any, inputs: Any, output: Any) -> None:
        before = module.__flops__
        MODULES_MAPPING[type(module)](module, inputs, output)
        norms[0] += int(module.__flops__ - before)

    hooks = {kind: count_norm for kind in MODULES_MAPPING if issubclass(kind, _NORMS)}
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), torch.no_grad():
        macs, _ = get_model_complexity_info(
            net,
            (3, height, width),
            print_per_layer_stat=False,
            as_strings=False,
            backend="pytorch",
            custom_modules_hooks=hooks,
        )
    return {} if macs is None else {WITH_LAYERS: int(macs), NORMS: norms[0]}
