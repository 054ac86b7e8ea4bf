"""Multiply-adds on the meta device: torch's own formulas for convolutions, matrix products and attention.

Nothing is computed and nothing allocated: a pass of shapes goes through the network, every operator
that reaches torch's dispatcher is looked up, and what has neither a formula nor is known to hold no
matrix product is named.
"""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry
from torch.utils.module_tracker import ModuleTracker

METHOD = 2
"""Version of this way of counting: raised when it changes a number. 1 was fvcore on real tensors."""
COUNTER = "torch's operator formulas on the meta device, cross-checked with ptflops"

_NO_MATRIX_PRODUCT = frozenset(
    """_adaptive_avg_pool2d _log_softmax _reshape_alias _reshape_copy _safe_softmax _softmax _to_copy
    _unsafe_view abs adaptive_avg_pool2d adaptive_max_pool2d add alias amax amin arange as_strided avg_pool2d
    avg_pool2d bernoulli cat ceil clamp clamp_min clone constant_pad_nd contiguous copy detach div dropout
    empty empty_like eq erf exp expand fill flip floor full gelu ge gt hardsigmoid hardswish hardtanh index
    le leaky_relu lift_fresh lt max max_pool2d max_pool2d_with_indices mean min mul native_batch_norm
    native_group_norm native_layer_norm ne neg new_empty new_full new_ones new_zeros ones ones_like permute pow
    prod reciprocal reflection_pad2d relu repeat replication_pad2d reshape roll rsqrt rsub scalar_tensor select
    sigmoid silu slice softmax split split_with_sizes sqrt squeeze stack std sub sum t tanh transpose unbind
    unsqueeze upsample_bilinear2d upsample_nearest2d var var_mean view where zeros zeros_like
    cudnn_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training unfold
    _adaptive_avg_pool2d_backward _unsafe_index upsample_bicubic2d elu maximum minimum logical_and
    logical_not bitwise_not masked_fill prelu _prelu_kernel softplus mish linalg_vector_norm cumsum
    lift clamp_max log channel_shuffle native_channel_shuffle pixel_shuffle pixel_unshuffle""".split()
)
"""Operators, without name space and overload, that are known to hold no matrix product."""


@dataclass(frozen=True)
class MacCount:
    """`macs` of one image; `by_module` those of each part and its parts, by dotted name;
    `unknown` names operators that were not counted, with their calls."""

    macs: int
    by_module: dict[str, int]
    unknown: dict[str, int]


def count_macs(net: nn.Module, width: int, height: int) -> MacCount:
    """Count one forward pass, in eval mode, of one RGB image of `width` x `height` pixels.

    `net` itself is left as it is. One multiply-add counts once.
    """
    shapes = copy.deepcopy(net).to("meta").eval()
    image = torch.empty(1, 3, height, width, device="meta")
    counter = _Counter()
    with torch.no_grad(), counter.tracker, sdpa_kernel(SDPBackend.MATH), counter:
        shapes(image)
    root = f"{type(shapes).__name__}."
    by_module = {name.removeprefix(root): macs for name, macs in counter.macs.items() if name.startswith(root)}
    return MacCount(counter.macs["Global"], by_module, dict(counter.unknown))


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operator of the pass; attention comes as its matrix products."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tracker = ModuleTracker()
        self.macs: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        packet = func._overloadpacket
        if packet in flop_registry:
            macs = flop_registry[packet](*args, **(kwargs or {}), out_val=out) // 2
            for module in self.tracker.parents:
                self.macs[module] += macs
        elif not _is_harmless(func, out):
            self.unknown[str(packet)] += 1
        return out


def _is_harmless(func: Any, out: Any) -> bool:
    """Views and what makes no tensor hold no matrix product either."""
    name = func._schema.name.rpartition("::")[2].removesuffix("_")
    return name in _NO_MATRIX_PRODUCT or func.is_view or not isinstance(out, Tensor | tuple | list)
