"""What one operator costs: formulas by operator, for the core, for the rest, and for what only moves data.

Core: convolutions, matrix products and attention, in multiply-adds. The rest: norms, activations, resizing, softmax,
pooling and arithmetic, in elementary operations, of which a multiply-add, an addition, a comparison and a value of
a function (exp, erf, square root, division) each count once. A bias is where a sum starts and costs nothing. What
stands in no table has no formula, and is named wherever its network is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from torch import Tensor
from torch._ops import OpOverload

Arguments = Sequence[Any]
Formula = Callable[[Arguments, Any], int]
"""(arguments, output) of a call -> how much it does."""


@dataclass(frozen=True, kw_only=True)
class Operator:
    """What is known about an operator. `core` or `rest` is None where the other one, or neither, applies."""

    name: str
    core: Formula | None
    rest: Formula | None
    is_view: bool
    writes: bool
    """False for views, and for what reserves memory without filling it."""

    @property
    def known(self) -> bool:
        """Whether it gives a tensor says nothing: a kernel may fill one that it was given."""
        return self.core is not None or self.rest is not None or self.is_view


def look_up(func: OpOverload) -> Operator:
    """What is known about an operator that reached torch's dispatcher."""
    space, _, bare = func._schema.name.partition("::")
    name = bare.removesuffix("_") if space == "aten" else f"{space}.{bare}"
    reserves = name in _RESERVES
    is_view = func.is_view or name in _ALIASES
    return Operator(
        name=name,
        core=_CORE.get(name),
        rest=_ZERO if reserves else _REST.get(name),
        is_view=is_view,
        writes=not is_view and not reserves,
    )


def attention_macs(query: Tensor, key: Tensor, value: Tensor) -> int:
    """Multiply-adds of softmax(QK^T)V on (..., positions, channels): both products, over all pairs of positions."""
    return prod(query.shape[:-1]) * key.shape[-2] * (query.shape[-1] + value.shape[-1])


def attention_rest(query: Tensor, key: Tensor) -> int:
    """The softmax over all pairs of positions, and their scaling."""
    return prod(query.shape[:-1]) * key.shape[-2] * (_SOFTMAX + 1)


def _convolution(arguments: Arguments, output: Any) -> int:
    """Every element of the weight once at each position: of the output, or of the input where it is transposed."""
    image, weight, transposed = arguments[0], arguments[1], arguments[6]
    positions = prod((image if transposed else output).shape[2:])
    return int(image.shape[0] * positions * weight.numel())


def _product(first: int) -> Formula:
    """Of matrices (..., n, k) and (..., k, m), which stand at `first` and behind it."""

    def macs(arguments: Arguments, output: Any) -> int:
        return int(arguments[first].numel() * arguments[first + 1].shape[-1])

    return macs


def _matrix_vector(first: int) -> Formula:
    return lambda arguments, output: int(arguments[first].numel())


def _attention(arguments: Arguments, output: Any) -> int:
    return attention_macs(*arguments[:3])


_ATTENTION_NAMES = (
    "_scaled_dot_product_flash_attention",
    "_scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_cudnn_attention",
    "_scaled_dot_product_fused_attention_overrideable",
)

_CORE: dict[str, Formula] = {
    "convolution": _convolution,
    "_convolution": _convolution,
    "mm": _product(0),
    "bmm": _product(0),
    "addmm": _product(1),
    "baddbmm": _product(1),
    "mv": _matrix_vector(0),
    "dot": _matrix_vector(0),
    "addmv": _matrix_vector(1),
    **dict.fromkeys(_ATTENTION_NAMES, _attention),
}


def _each_written(times: int) -> Formula:
    """`times` operations for each element of the (first) output."""

    def operations(arguments: Arguments, output: Any) -> int:
        return times * _first(output).numel()

    return operations


def _each_read(times: int) -> Formula:
    """`times` operations for each element of the first input."""

    def operations(arguments: Arguments, output: Any) -> int:
        return times * int(arguments[0].numel())

    return operations


def _window(arguments: Arguments, output: Any) -> int:
    """An addition or comparison for each place of the window, at each output."""
    kernel: list[int] = list(arguments[1])
    places = prod(kernel * 2 if len(kernel) == 1 else kernel)
    return places * _first(output).numel()


def _adaptive_window(arguments: Arguments, output: Any) -> int:
    """Windows that cover the input; where sides do not divide they overlap, and each is counted whole."""
    result = _first(output)
    sides = zip(arguments[0].shape[-2:], result.shape[-2:], strict=True)
    covered = prod(sum(-(-(i + 1) * full // parts) - i * full // parts for i in range(parts)) for full, parts in sides)
    return int(prod(result.shape[:-2]) * covered)


def _batch_norm(arguments: Arguments, output: Any) -> int:
    """In evaluation one multiply-add an element: its four vectors make one scale and one shift.

    On statistics of the batch, as instance norm is, what any norm does.
    """
    on_batch = next((argument for argument in arguments if isinstance(argument, bool)), False)
    return (_NORM if on_batch else 1) * _first(output).numel()


def _first(output: Any) -> Tensor:
    result: Tensor = output if isinstance(output, Tensor) else output[0]
    return result


def _ZERO(arguments: Arguments, output: Any) -> int:  # noqa: N802 - a formula that is a constant
    return 0


_SOFTMAX = 5
"""An element: a comparison, a subtraction, exp, an addition, a division."""
_NORM = 6
"""An element: two for the mean and variance, subtraction, division, multiply-add and its share of the root."""

_TIMES_WRITTEN: tuple[tuple[int, str], ...] = (
    (
        1,
        """abs add addcmul amax amin bitwise_not ceil clamp_max clamp_min cos div eq erf exp floor ge gt le leaky_relu
        log logical_and logical_not lt masked_fill maximum minimum mul ne neg pow prelu _prelu_kernel reciprocal relu
        remainder round rsqrt rsub sign sin sqrt square sub tanh threshold where addcdiv""",
    ),
    (2, "clamp hardtanh lerp"),
    (3, "elu sigmoid softplus log_sigmoid_forward"),
    (4, "hardsigmoid silu upsample_bilinear2d grid_sampler_2d"),
    (5, "gelu hardswish mish"),
    (16, "upsample_bicubic2d"),
    (_SOFTMAX, "_softmax _log_softmax _safe_softmax"),
    (_NORM, "native_layer_norm native_group_norm instance_norm"),
)
_MOVES = """_reshape_copy _to_copy _unsafe_index cat clone constant_pad_nd contiguous copy
    dropout expand_copy fill flip gather im2col index index_select lift channel_shuffle
    native_channel_shuffle native_dropout pixel_shuffle pixel_unshuffle reflection_pad2d repeat replication_pad2d
    reshape roll scalar_tensor scatter select_scatter slice_scatter split_with_sizes_copy stack tril triu unfold
    upsample_nearest2d zeros ones full
    zeros_like ones_like full_like new_full new_ones new_zeros zero arange linspace"""
_LOOKS = """ _assert_async _assert_scalar _assert_tensor_metadata _local_scalar_dense equal is_nonzero is_same_size item
    sym_numel sym_size sym_storage_offset sym_stride prim.device prim.layout"""
"""What gives no tensor and fills none."""
_BATCH_NORMS = """native_batch_norm cudnn_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training"""
_ALIASES = frozenset("_reshape_alias _unsafe_view alias as_strided detach lift_fresh".split())
"""Views that torch does not declare as such."""
_RESERVES = frozenset("empty empty_like empty_strided new_empty new_empty_strided".split())

_REST: dict[str, Formula] = {
    **{name: _each_written(times) for times, names in _TIMES_WRITTEN for name in names.split()},
    **dict.fromkeys("all any argmax argmin cumsum max mean min norm prod sum topk".split(), _each_read(1)),
    **dict.fromkeys("linalg_vector_norm std var var_mean std_mean".split(), _each_read(2)),
    **dict.fromkeys("avg_pool2d max_pool2d max_pool2d_with_indices".split(), _window),
    **dict.fromkeys("_adaptive_avg_pool2d adaptive_avg_pool2d adaptive_max_pool2d".split(), _adaptive_window),
    **dict.fromkeys(_BATCH_NORMS.split(), _batch_norm),
    **dict.fromkeys(_ATTENTION_NAMES, lambda arguments, output: attention_rest(*arguments[:2])),
    **dict.fromkeys((_MOVES + _LOOKS).split(), _ZERO),
}
