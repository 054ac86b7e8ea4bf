"""Context blocks and the whole module against plain matrices in float64: values and gradients.

The formulas here keep maps as (N, C, positions), write every softmax, norm, pooling, resize and
convolution out as sums over indices, and read nothing of a block but its weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from variants.axes import Value
from variants.context import CONTEXTS, build_context
from variants.frm import FeatureRefinement
from variants.names import parse_name

Weights = dict[str, Tensor]
WIDTH, SIZE = 16, (5, 7)
TOLERANCE = 1e-5
NORMS = ("batch", "group", "layer", "none")


def block_of(name: str, width: int = WIDTH, **options: Any) -> nn.Module:
    """A block in evaluation with weights, norms and running statistics that leave no term at 0 or 1."""
    needed = {axis.name: axis.default if axis.default is not None else 2 for axis in CONTEXTS[name].axes}
    block = build_context(name, width, needed | options)
    shake_norms(block)
    return block.eval()


def shake_norms(net: nn.Module) -> None:
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d | nn.GroupNorm | nn.LayerNorm):
            nn.init.normal_(module.weight, 1, 0.3)
            nn.init.normal_(module.bias, 0, 0.3)
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)


def in_double(net: nn.Module) -> Weights:
    """Parameters and running statistics in float64, as leaves of a graph of their own."""
    parameters = {name: p.detach().double().requires_grad_() for name, p in net.named_parameters()}
    return parameters | {name: b.double() for name, b in net.named_buffers()}


def assert_is(net: nn.Module, weights: Weights, expected: Tensor, inputs: list[Tensor]) -> None:
    """Values and gradients of a float32 module, and of all its parameters, are those of a float64 graph.

    Args:
        net: the module, which takes the list's single map or the list.
        weights: leaves of the graph of `expected` by the module's parameter names.
        expected: what the formula gives.
        inputs: leaves of that graph.
    """
    rounded = [x.detach().float().requires_grad_() for x in inputs]
    output = net(rounded if len(rounded) > 1 else rounded[0])
    assert output.dtype == torch.float32
    assert_close([output], [expected])
    direction = torch.randn_like(expected)
    names = [name for name, _ in net.named_parameters()]
    ours = torch.autograd.grad((output * direction.float()).sum(), [*rounded, *net.parameters()])
    plain = torch.autograd.grad((expected * direction).sum(), [*inputs, *(weights[name] for name in names)])
    assert_close(ours, plain)


def assert_close(ours: Sequence[Tensor], plain: Sequence[Tensor]) -> None:
    """To 1e-5 of the largest entry of them all, or of 1: sums over positions grow, and some gradients cancel to 0."""
    largest = max(1.0, *(float(x.detach().abs().max()) for x in plain))
    for a, b in zip(ours, plain, strict=True):
        assert (a.double() - b).abs().max() <= TOLERANCE * largest


def linear(w: Weights, name: str, x: Tensor) -> Tensor:
    """A 1x1 convolution or linear layer of (N, C, ...) as a matrix."""
    matrix = w[f"{name}.weight"].flatten(1)
    y = torch.einsum("oc,nc...->no...", matrix, x)
    return y + along_channels(w[f"{name}.bias"], y) if f"{name}.bias" in w else y


def along_channels(values: Tensor, x: Tensor) -> Tensor:
    return values.reshape(1, -1, *[1] * (x.dim() - 2))


def softmax(logits: Tensor, dim: int) -> Tensor:
    powers = (logits - logits.amax(dim, keepdim=True)).exp()
    return powers / powers.sum(dim, keepdim=True)


def normalise(w: Weights, name: str, kind: str, y: Tensor) -> Tensor:
    """The norm layer `name` of (N, C, ...) in evaluation."""
    if kind == "none":
        return y
    if kind == "batch":
        mean, variance = (along_channels(w[f"{name}.running_{what}"], y) for what in ("mean", "var"))
    else:
        # 4 groups of 4 of the 16 channels; a layer norm looks at each position alone
        parts = y.reshape(y.shape[0], 4, -1, *y.shape[2:]) if kind == "group" else y
        dims = tuple(range(2, parts.dim())) if kind == "group" else (1,)
        mean = parts.mean(dims, keepdim=True).expand_as(parts).reshape(y.shape)
        variance = (parts.var(dims, keepdim=True, unbiased=False)).expand_as(parts).reshape(y.shape)
    scaled = (y - mean) / (variance + 1e-5).sqrt()
    return scaled * along_channels(w[f"{name}.weight"], y) + along_channels(w[f"{name}.bias"], y)


def convolve(x: Tensor, weight: Tensor, dilation: int = 1) -> Tensor:
    """A convolution that keeps the size, as a sum of matrices over its taps."""
    kernel, (h, w) = weight.shape[-1], x.shape[-2:]
    reach = kernel // 2 * dilation
    framed = x.new_zeros(*x.shape[:2], h + 2 * reach, w + 2 * reach)
    framed[..., reach : reach + h, reach : reach + w] = x
    taps = product(range(kernel), repeat=2)
    shifted = [(i, j, framed[..., i * dilation :, j * dilation :][..., :h, :w]) for i, j in taps]
    return torch.stack([torch.einsum("oc,nchw->nohw", weight[..., i, j], tap) for i, j, tap in shifted]).sum(0)


def convolution_block(w: Weights, name: str, norm: str, x: Tensor, dilation: int = 1) -> Tensor:
    """Convolution, norm, ReLU."""
    y = convolve(x, w[f"{name}.0.weight"], dilation)
    y = y + along_channels(w[f"{name}.0.bias"], y) if norm == "none" else y
    return normalise(w, f"{name}.1", norm, y).clamp(min=0)


def pooling_matrix(bins: int, length: int) -> Tensor:
    """(bins, length): bin i averages positions floor(i length / bins) to ceil((i + 1) length / bins)."""
    matrix = torch.zeros(bins, length, dtype=torch.float64)
    for i in range(bins):
        first, end = i * length // bins, math.ceil((i + 1) * length / bins)
        matrix[i, first:end] = 1 / (end - first)
    return matrix


def bilinear_matrix(length: int, source: int) -> Tensor:
    """(length, source): pixel centres of one grid between those of another, edges repeated."""
    matrix = torch.zeros(length, source, dtype=torch.float64)
    for i in range(length):
        at = max(0.0, (i + 0.5) * source / length - 0.5)
        below = int(at)
        matrix[i, below] += 1 - (at - below)
        matrix[i, min(below + 1, source - 1)] += at - below
    return matrix


def nonlocal_formula(w: Weights, x: Tensor, temperature: float, norm: str) -> Tensor:
    theta, phi, g = (linear(w, name, x.flatten(2)) for name in ("theta", "phi", "g"))
    logits = torch.einsum("ncp,ncq->npq", theta, phi) / (math.sqrt(theta.shape[1]) * temperature)
    gathered = torch.einsum("npq,ncq->ncp", softmax(logits, 2), g)
    return x + normalise(w, "norm", norm, linear(w, "project", gathered).reshape(x.shape))


def dnl_formula(w: Weights, x: Tensor, temperature: float, norm: str) -> Tensor:
    theta, phi, g = (linear(w, name, x.flatten(2)) for name in ("theta", "phi", "g"))
    positions = theta.shape[2]
    centre = torch.eye(positions, dtype=x.dtype) - 1 / positions
    logits = torch.einsum("ncp,ncq->npq", theta @ centre, phi @ centre)
    pairwise = softmax(logits / (math.sqrt(theta.shape[1]) * temperature), 2)
    unary = softmax(linear(w, "mask", x.flatten(2)), 2)  # (N, 1, positions), the same row for every position
    gathered = torch.einsum("npq,ncq->ncp", pairwise + unary, g)
    return x + normalise(w, "norm", norm, linear(w, "project", gathered).reshape(x.shape))


def linear_attention_formula(w: Weights, x: Tensor, norm: str) -> Tensor:
    """By the matrix of all pairs that the block never holds."""
    theta, phi, g = (linear(w, name, x.flatten(2)) for name in ("theta", "phi", "g"))
    pairs = torch.einsum("nkp,nkq->npq", softmax(theta, 1), softmax(phi, 2))
    gathered = torch.einsum("npq,ncq->ncp", pairs, g)
    return x + normalise(w, "norm", norm, linear(w, "project", gathered).reshape(x.shape))


def transformer_formula(w: Weights, x: Tensor, heads: int) -> Tensor:
    """Pre-norm encoder blocks, head by head."""
    y, depth = x.flatten(2), len({name.split(".")[1] for name in w if name.startswith("blocks.")})
    for block in (f"blocks.{i}" for i in range(depth)):
        qkv = linear(w, f"{block}.qkv", normalise(w, f"{block}.attention_norm", "layer", y))
        parts = zip(*(part.chunk(heads, 1) for part in qkv.chunk(3, 1)), strict=True)
        y = y + linear(w, f"{block}.project", torch.cat([one_head(*head) for head in parts], 1))
        hidden = linear(w, f"{block}.ffn.1", normalise(w, f"{block}.ffn.0", "layer", y))
        gelu = hidden * (1 + torch.erf(hidden / math.sqrt(2))) / 2
        y = y + linear(w, f"{block}.ffn.3", gelu)
    return normalise(w, "norm", "layer", y).reshape(x.shape)


def one_head(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    logits = torch.einsum("ncp,ncq->npq", query, key) / math.sqrt(query.shape[1])
    return torch.einsum("npq,ncq->ncp", softmax(logits, 2), value)


def channel_formula(w: Weights, x: Tensor) -> Tensor:
    mean = torch.einsum("nchw->nc", x) / (x.shape[2] * x.shape[3])
    weights = linear(w, "excite", linear(w, "squeeze", mean).clamp(min=0))
    return torch.einsum("nchw,nc->nchw", x, 1 / (1 + (-weights).exp()))


def cbam_formula(w: Weights, x: Tensor) -> Tensor:
    summaries = (x.flatten(2).sum(2) / (x.shape[2] * x.shape[3]), x.flatten(2).sort(2).values[..., -1])
    from_mean, from_max = (linear(w, "mlp.2", linear(w, "mlp.0", s).clamp(min=0)) for s in summaries)
    y = torch.einsum("nchw,nc->nchw", x, 1 / (1 + (-from_mean - from_max).exp()))
    over_channels = torch.stack([y.sum(1) / y.shape[1], y.sort(1).values[:, -1]], 1)
    return y / (1 + (-convolve(over_channels, w["spatial.weight"])).exp())


def ppm_formula(w: Weights, x: Tensor, norm: str) -> Tensor:
    maps = [x]
    for i, bins in enumerate((1, 2, 3, 6)):
        down = [pooling_matrix(bins, length) for length in x.shape[2:]]
        up = [bilinear_matrix(length, bins) for length in x.shape[2:]]
        pooled = torch.einsum("ah,bw,nchw->ncab", *down, x)
        maps.append(torch.einsum("ha,wb,ncab->nchw", *up, convolution_block(w, f"branches.{i}", norm, pooled)))
    return convolution_block(w, "project", norm, torch.cat(maps, 1))


def aspp_formula(w: Weights, x: Tensor, dilation: int, norm: str) -> Tensor:
    mean = torch.einsum("nchw->nc", x)[..., None, None] / (x.shape[2] * x.shape[3])
    atrous = [convolution_block(w, f"atrous.{i}", norm, x, (i + 1) * dilation) for i in range(3)]
    image = convolution_block(w, "image", norm, mean).expand(-1, -1, *x.shape[2:])
    return convolution_block(w, "project", norm, torch.cat([convolution_block(w, "point", norm, x), *atrous, image], 1))


FORMULAS: dict[str, Callable[[Weights, Tensor, dict[str, Any]], Tensor]] = {
    "none": lambda w, x, options: x,
    "nonlocal": lambda w, x, options: nonlocal_formula(w, x, options["temperature"], options["norm"]),
    "dnl": lambda w, x, options: dnl_formula(w, x, options["temperature"], options["norm"]),
    "transformer": lambda w, x, options: transformer_formula(w, x, options["transformer_heads"]),
    "linear": lambda w, x, options: linear_attention_formula(w, x, options["norm"]),
    "channel": lambda w, x, options: channel_formula(w, x),
    "cbam": lambda w, x, options: cbam_formula(w, x),
    "ppm": lambda w, x, options: ppm_formula(w, x, options["norm"]),
    "aspp": lambda w, x, options: aspp_formula(w, x, options["dilation"], options["norm"]),
}
TRIED: dict[str, dict[str, tuple[Value, ...]]] = {
    "none": {},
    "nonlocal": {"temperature": (0.05, 1.0), "reduction": (1, 2, 8), "norm": NORMS},
    "dnl": {"temperature": (0.05, 1.0), "reduction": (1, 2, 8), "norm": NORMS},
    "transformer": {"transformer_depth": (1, 2), "transformer_heads": (1, 2, 4), "transformer_ffn_ratio": (3,)},
    "linear": {"reduction": (1, 2, 8), "norm": NORMS},
    "channel": {"reduction": (1, 4)},
    "cbam": {"reduction": (1, 4)},
    "ppm": {"reduction": (4,), "norm": ("batch", "none")},
    "aspp": {"reduction": (4,), "dilation": (1, 2), "norm": ("batch", "none")},
}
CASES = [
    (name, dict(zip(axes, values, strict=True))) for name, axes in TRIED.items() for values in product(*axes.values())
]


def words(value: Any) -> str:
    return "-".join(f"{k}={v}" for k, v in value.items()) or "plain" if isinstance(value, dict) else str(value)


def test_every_block_is_tried_with_each_of_its_axes() -> None:
    assert {name: set(axes) for name, axes in TRIED.items()} == {
        name: {axis.name for axis in CONTEXTS[name].axes} for name in CONTEXTS
    }


@pytest.mark.parametrize(("name", "options"), CASES, ids=words)
def test_block_is_its_formula(name: str, options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    block = block_of(name, **options)
    weights, x = in_double(block), torch.randn(2, WIDTH, *SIZE).double().requires_grad_()
    assert_is(block, weights, FORMULAS[name](weights, x, options), [x])


def test_transformer_is_torchs_encoder_layer() -> None:
    torch.manual_seed(0)
    heads, depth, ratio = 2, 2, 3
    options = {"transformer_depth": depth, "transformer_heads": heads, "transformer_ffn_ratio": ratio}
    block, x = block_of("transformer", **options), torch.randn(2, WIDTH, *SIZE).double().requires_grad_()
    weights = in_double(block)
    y = x.flatten(2).transpose(1, 2)
    for i in range(depth):
        y = torch.func.functional_call(
            torchs_layer(heads, ratio), torchs_weights(weights, f"blocks.{i}"), (y,), strict=True
        )
    y = F.layer_norm(y, (WIDTH,), weights["norm.weight"], weights["norm.bias"])
    assert_is(block, weights, y.transpose(1, 2).reshape(x.shape), [x])


def torchs_layer(heads: int, ratio: int) -> nn.Module:
    """Left in training, without dropout: in evaluation torch takes kernels without gradients."""
    return nn.TransformerEncoderLayer(
        WIDTH,
        heads,
        ratio * WIDTH,
        dropout=0,
        activation="gelu",
        batch_first=True,
        norm_first=True,
        dtype=torch.float64,
    )


def torchs_weights(w: Weights, block: str) -> Weights:
    """Ours under torch's names."""
    renamed = {
        "qkv": "self_attn.in_proj_",
        "project": "self_attn.out_proj.",
        "ffn.1": "linear1.",
        "ffn.3": "linear2.",
        "attention_norm": "norm1.",
        "ffn.0": "norm2.",
    }
    kinds = ("weight", "bias")
    return {f"{theirs}{kind}": w[f"{block}.{ours}.{kind}"] for ours, theirs in renamed.items() for kind in kinds}


class BFloat16Attention(TorchFunctionMode):
    """Logits, softmax and its product with the values in bfloat16."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is not F.scaled_dot_product_attention:
            return func(*args, **kwargs)
        query, key, value = (x.bfloat16() for x in args)
        return (query @ key.transpose(-1, -2) * kwargs["scale"]).softmax(-1) @ value


def errors_in_bfloat16(temperature: float, mode: str) -> Tensor:
    """Of what DNL adds to its input, over 20 seeds: relative errors as it is, and with softmax in bfloat16; (20, 2)."""
    return torch.tensor([one_error_in_bfloat16(temperature, mode, seed) for seed in range(20)])


def one_error_in_bfloat16(temperature: float, mode: str, seed: int) -> tuple[float, float]:
    torch.manual_seed(seed)
    block, x = block_of("dnl", 32, temperature=temperature), torch.randn(1, 32, 8, 16).bfloat16()
    if mode == "weights":
        block = block.bfloat16()
    added = dnl_formula(in_double(block), x.double(), temperature, "batch").detach() - x.double()

    def error() -> float:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=mode == "autocast"):
            output = block(x if mode == "weights" else x.float())
        return float((output.double() - x.double() - added).norm() / added.norm())

    ours = error()
    with BFloat16Attention():
        return ours, error()


@pytest.mark.parametrize(
    ("temperature", "mode", "bound"),
    [
        (1.0, "autocast", 0.005),  # largest measured 0.24 %
        (1.0, "weights", 0.012),  # largest measured 0.58 %: the sum with the input is rounded too
        (0.05, "autocast", 0.014),  # largest measured 0.69 %
        (0.05, "weights", 0.014),  # largest measured 0.67 %
    ],
)
def test_dnl_in_bfloat16_keeps_close_to_the_formula(temperature: float, mode: str, bound: float) -> None:
    assert errors_in_bfloat16(temperature, mode)[:, 0].max() <= bound


@pytest.mark.parametrize("mode", ["autocast", "weights"])
def test_a_sharp_softmax_in_bfloat16_would_be_clearly_worse(mode: str) -> None:
    ours, rounded = errors_in_bfloat16(0.05, mode).unbind(1)
    assert (rounded > ours).all()
    assert rounded.mean() > 1.5 * ours.mean()  # measured: 1.74 times under autocast, 1.68 with bfloat16 weights


def test_the_papers_module_is_block_means_and_dnl() -> None:
    torch.manual_seed(0)
    spec = parse_name("lcnet_050+frm1234-dnl-noneconv+fpn16-head8")
    channels, finest = (4, 8, 12, 16), (32, 64)
    module = FeatureRefinement(spec, channels)
    shake_norms(module)
    stages = [
        torch.randn(2, c, finest[0] >> i, finest[1] >> i).double().requires_grad_() for i, c in enumerate(channels)
    ]
    h, w = stages[3].shape[2:]
    means = [stage.reshape(2, -1, h, 8 >> i, w, 8 >> i).mean((3, 5)) for i, stage in enumerate(stages)]
    weights = in_double(module)
    context = {name.removeprefix("context."): p for name, p in weights.items()}
    assert set(weights) == {f"context.{name}" for name in context}  # no fusion convolution
    assert context["theta.weight"].shape[:2] == (sum(channels) // 2, sum(channels))
    assert_is(module.eval(), weights, dnl_formula(context, torch.cat(means, 1), 0.05, "batch"), stages)
