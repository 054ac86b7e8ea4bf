"""Multiply-adds, other operations, weights and memory against formulas by hand and torch's own counter."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from bench.cost.count import VariantCounter, count_cost, count_variant
from bench.cost.figures import cost_from_json
from bench.cost.meta_shapes import SHAPES
from bench.cost.parameters import count_parameters
from bench.cost.trace import ATTENTION, Trace, trace, trace_call
from tests.variants.test_every_variant import VARIANTS, GivenMaps
from variants.axes import Value
from variants.backbones import build_backbone
from variants.backbones.families import FAMILIES
from variants.context import CONTEXTS, build_context
from variants.names import parse_name
from variants.network import build
from variants.segmenter import Segmenter
from variants.space import expand
from variants.spec import VariantSpec


class OnMap(nn.Module):
    """Runs a block on a 16-channel map of the image's size."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.widen = nn.Conv2d(3, 16, 1)
        self.block = block

    def forward(self, image: Tensor) -> Tensor:
        result: Tensor = self.block(self.widen(image))
        return result


class Applied(nn.Module):
    """A function of the image as a network."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, image: Tensor) -> Tensor:
        return self.function(image)


def on_map_macs(name: str, width: int, height: int, **options: Value) -> int:
    """MACs of a context block of 16 channels alone."""
    defaults = {axis.name: axis.default for axis in CONTEXTS[name].axes if axis.default is not None}
    net = OnMap(build_context(name, 16, defaults | options))
    return trace(net, width, height).macs - width * height * 3 * 16


def rest(traced: Trace) -> int:
    return sum(operation.rest for operation in traced.operations)


def test_convolution_by_hand() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 5, padding=2, groups=8))
    traced = trace(net, 64, 32)
    assert traced.macs == 32 * 16 * 8 * 3 * 9 + 32 * 16 * 8 * 25
    assert traced.macs_by_module == {"": traced.macs, "0": 32 * 16 * 8 * 27, "1": 0, "2": 32 * 16 * 8 * 25}
    assert traced.unknown == {}
    assert count_parameters(net) == 8 * 3 * 9 + 8 + 8 * 25 + 8


def test_transposed_convolution_by_hand() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ConvTranspose2d(8, 4, 2, stride=2, groups=2))
    assert trace(net, 16, 8).macs == 16 * 8 * 3 * 8 + 16 * 8 * 8 * 2 * 4


def test_norms_resizing_and_pooling_are_counted_apart_from_macs() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Upsample(scale_factor=2, mode="bilinear"), nn.AvgPool2d(4)
    )
    traced = trace(net, 32, 16)
    assert traced.macs == 32 * 16 * 3 * 4
    assert rest(traced) == 32 * 16 * 4 * (1 + 1) + 64 * 32 * 4 * 4 + 16 * 8 * 4 * 16


def test_softmax_and_adaptive_pooling_by_hand() -> None:
    assert rest(trace(Applied(lambda x: x.softmax(dim=-1)), 12, 8)) == 5 * 3 * 12 * 8
    windows = (4 + 4 + 4) * (3 + 4 + 3)  # 10 in three windows: 0-4, 3-7, 6-10; 8 in three: 0-3, 2-6, 5-8
    assert rest(trace(Applied(lambda x: F.adaptive_avg_pool2d(x, 3)), 10, 8)) == 3 * windows


def test_nonlocal_by_hand() -> None:
    n, c, inner = 12 * 8, 16, 8
    assert on_map_macs("nonlocal", 12, 8) == 3 * n * c * inner + 2 * n * n * inner + n * inner * c


def test_dnl_by_hand() -> None:
    n, c, inner = 12 * 8, 16, 8
    unary = n * c + n * inner
    assert on_map_macs("dnl", 12, 8) == 3 * n * c * inner + 2 * n * n * inner + unary + n * inner * c


def test_transformer_by_hand() -> None:
    n, c = 12 * 8, 16
    a_block = n * c * 3 * c + 2 * n * n * c + n * c * c + 2 * n * c * 4 * c
    macs = on_map_macs("transformer", 12, 8, transformer_depth=3, transformer_heads=2, transformer_ffn_ratio=4)
    assert macs == 3 * a_block


LAYER_MACS = 786_432
"""16 tokens of 64 channels, feed-forward of 256, by hand: 4 projections, two products, two layers."""


def tokens(image: Tensor) -> Tensor:
    return image.new_ones(1, 16, 64)


class OnTokens(nn.Module):
    """A layer of 64 channels on 16 tokens."""

    def __init__(self, layer: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, image: Tensor) -> Tensor:
        return self.layer(tokens(image))


def attend(layer: nn.MultiheadAttention, x: Tensor, need_weights: bool) -> Tensor:
    return cast(Tensor, layer(x, x, x, need_weights=need_weights)[0])


class Attends(nn.Module):
    """Torch's own attention layer, with or without the weights as a second result."""

    def __init__(self, need_weights: bool) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(64, 4, batch_first=True)
        self.need_weights = need_weights

    def forward(self, image: Tensor) -> Tensor:
        return attend(self.attention, tokens(image), self.need_weights)


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_torchs_attention_layers_are_counted_whole_on_every_device(device: str) -> None:
    layer = nn.TransformerEncoderLayer(64, 4, 256, batch_first=True)
    projections, pairs, feed_forward = 4 * 16 * 64 * 64, 2 * 16 * 16 * 64, 2 * 16 * 64 * 256
    assert trace(OnTokens(layer), 32, 32, device).macs == projections + pairs + feed_forward == LAYER_MACS + 32_768
    for need_weights in (True, False):
        traced = trace(Attends(need_weights), 32, 32, device)
        assert traced.macs == projections + pairs
        assert traced.unknown == {}
        fused = device == "meta" and not need_weights  # as on real devices, where nobody asks for the weights
        assert any(operation.operator == ATTENTION for operation in traced.operations) == fused


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_functional_calls_are_counted_on_every_device(device: str) -> None:
    def functions(image: Tensor) -> Tensor:
        x = F.conv2d(image, image.new_ones(8, 3, 3, 3), padding=1)  # (1, 8, 8, 8)
        q = F.linear(x.flatten(2), image.new_ones(10, 64))  # (1, 8, 10)
        heads = q.view(1, 2, 4, 10)
        y = F.scaled_dot_product_attention(heads, heads, heads)
        return torch.einsum("bhqd,bhkd->bhqk", y, heads) @ heads

    expected = 64 * 8 * 27 + 8 * 64 * 10 + 2 * (2 * 4 * 4 * 10) + 2 * (2 * 4 * 4 * 10)
    assert trace(Applied(functions), 8, 8, device).macs == expected


def test_torch_is_left_as_it_was_also_after_an_error() -> None:
    def fail(image: Tensor) -> Tensor:
        raise ValueError("no")

    before = torch.backends.mha.get_fastpath_enabled()
    with pytest.raises(ValueError, match="no"):
        trace(Applied(fail), 8, 8)
    assert torch.backends.mha.get_fastpath_enabled() == before
    assert F.scaled_dot_product_attention is torch._C._nn.scaled_dot_product_attention
    assert not torch.nn.modules.module._global_forward_hooks
    assert not torch.nn.modules.module._global_forward_pre_hooks


def test_unknown_operators_are_named() -> None:
    traced = trace(Applied(lambda image: torch.fft.rfft2(image).abs()), 32, 32)
    assert traced.unknown == {"_fft_r2c": 1}


def test_semantic_fpn_on_resnet18_costs_what_is_derived_for_it() -> None:
    # 245.0 G with FPN 256 and head 128
    cost = count_variant(parse_name("resnet18+fpn256-head128"), 19, 2048, 1024)
    assert cost.total.macs == pytest.approx(245.0e9, rel=5e-4)


COUNTER = VariantCounter(5, 200, 104)


def torchs_flops(net: nn.Module) -> tuple[Any, int]:
    """What the network gives of an image of COUNTER's size on the meta device, and its FLOPs as torch counts them."""
    with torch.no_grad(), FlopCounterMode(display=False) as theirs:
        output = net.to("meta").eval()(torch.zeros(1, 3, 104, 200, device="meta"))
    return output, theirs.get_total_flops()


@cache
def torchs_flops_of_backbone(name: str) -> tuple[list[Tensor], int]:
    return torchs_flops(build_backbone(name))


@pytest.mark.slow
@pytest.mark.parametrize("spec", VARIANTS.values(), ids=list(VARIANTS))
def test_macs_are_those_of_torchs_own_counter(spec: VariantSpec) -> None:
    cost = COUNTER.count(spec)
    assert cost.unknown == {}
    with torch.device("meta"):
        net = build(spec, 5)
    assert cost.whole.parameters == count_parameters(net)
    in_backbone = 0
    if isinstance(net, Segmenter):
        maps, in_backbone = torchs_flops_of_backbone(str(spec.backbone))
        net.backbone = GivenMaps(maps)
    assert 2 * cost.total.macs == in_backbone + torchs_flops(net)[1]


SHAPED: dict[str, Callable[[Tensor], tuple[Any, ...]]] = {
    "native_batch_norm": lambda x: (x, None, None, x.new_zeros(8), x.new_ones(8), False, 0.1, 1e-5),
    "upsample_bilinear2d": lambda x: (x, [9, 14], False),
    "add": lambda x: (x, torch.zeros_like(x)),
}


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("func", list(SHAPES), ids=str)
def test_shapes_are_those_of_the_kernels(func: Any, layout: torch.memory_format) -> None:
    def alone(x: Tensor) -> tuple[Any, ...]:
        return (x,)

    make = SHAPED.get(func._schema.name.removeprefix("aten::"), alone)
    on_cpu = make(torch.rand(2, 8, 5, 7).contiguous(memory_format=layout))
    on_meta = make(torch.empty(2, 8, 5, 7, device="meta").contiguous(memory_format=layout))
    ours, theirs = SHAPES[func](*on_meta), func(*on_cpu)
    ours, theirs = ((out if isinstance(out, tuple) else (out,)) for out in (ours, theirs))
    assert [(x.shape, x.stride(), x.dtype) for x in ours] == [(x.shape, x.stride(), x.dtype) for x in theirs]
    assert (ours[0] is on_meta[0]) == (theirs[0] is on_cpu[0])


def some_specs(count: int) -> list[VariantSpec]:
    """Drawn from a large space, so that every run of the tests tries others beside those of all runs."""
    axes = {
        "backbone": [*FAMILIES, "van_b0"],
        "fused_stages": [[], [4], [3, 4], [1, 2, 3, 4]],
        "context": ["none", "nonlocal", "dnl", "ppm", "cbam"],
        "target_stride": [8, 16, 32],
        "unify": ["avg", "max", "conv"],
        "fuse": ["concat", "sum", "gated"],
        "fusion_conv": ["none", "1x1", "3x3"],
        "module_width": [32],
        "reenter": ["top", "every"],
        "decoder_width": [32],
        "head": ["sum", "concat", "plain"],
        "head_width": [16],
    }
    return random.sample(expand(axes).specs, count)


@pytest.mark.slow
def test_counting_a_backbone_once_changes_no_figure() -> None:
    counter = VariantCounter(7, 416, 224)
    for spec in some_specs(8):
        assert counter.count(spec) == count_variant(spec, 7, 416, 224), spec.name
    network = parse_name("mobilenetv2_050+smp_unet")
    assert counter.count(network) == count_variant(network, 7, 416, 224)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("lcnet_050+fpn32-head16", ["input", "backbone", "decoder", "head", "output"]),
        (
            "lcnet_050+frm34-dnl-w32+fpn32-head16",
            ["input", "backbone", "fusion", "context", "decoder", "head", "output"],
        ),
        ("lcnet_050+smp_unet", ["input", "backbone", "decoder", "head"]),
        ("bisenetv2", ["input", "body", "head", "output"]),
    ],
)
def test_parts_in_the_order_in_which_they_run(name: str, parts: list[str]) -> None:
    cost = count_variant(parse_name(name), 5, 128, 64)
    assert list(cost.by_part()) == parts
    assert sum(work.macs for work in cost.by_operator().values()) == cost.total.macs
    assert cost.metrics()["macs"] == cost.total.macs


def test_what_runs_between_modules_goes_to_a_part() -> None:
    # the refined map at 1/16 is pooled to 1/32 in between
    cost = count_variant(parse_name("lcnet_050+frm4-ppm-s16-w32+fpn32-head16"), 5, 128, 64)
    assert cost.work["fusion"]["_adaptive_avg_pool2d"].calls == 1
    assert set(cost.work["output"]) == {"upsample_bilinear2d"}
    assert set(cost.work["input"]) == {"sub", "div"}


def test_a_cost_survives_json() -> None:
    cost = count_variant(parse_name("lcnet_050+frm34-dnl-w32+fpn32-head16"), 5, 128, 64)
    assert cost_from_json(cost.to_json()) == cost


def test_a_callers_network_is_left_alone() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 1))
    output = trace_call(net, torch.ones(1, 3, 4, 4)).output
    trace(net, 8, 8)
    assert torch.equal(output, net(torch.ones(1, 3, 4, 4)))
    assert net[0].weight.device.type == "cpu"


@torch.library.custom_op("bench_test::fill_product", mutates_args={"out"})
def fill_product(x: Tensor, out: Tensor) -> None:
    """As a kernel from elsewhere: gives nothing, fills what it is given."""
    out.copy_(x @ x.transpose(-1, -2))


def test_an_operator_that_gives_nothing_back_is_named() -> None:
    def function(image: Tensor) -> Tensor:
        out = image.new_empty(1, 3, 8, 8)
        fill_product(image, out)
        return out

    net = Applied(function)
    assert trace(net, 8, 8).unknown == {"bench_test.fill_product": 1}
    cost = count_cost(net, 8, 8)
    assert cost.unknown == {"bench_test.fill_product": 1}
    assert any("bench_test.fill_product" in operators for operators in cost.work.values())


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ((1, 4, 64, 8), (2, 4, 64, 8)),
        ((1, 1, 64, 8), (1, 4, 64, 8)),
        ((2, 4, 64, 8), (1, 1, 32, 8)),
        ((3, 64, 8), (3, 64, 8)),
        ((2, 3, 4, 16, 8), (2, 3, 4, 16, 8)),
    ],
)
def test_attention_is_counted_as_the_cpu_runs_it(query: tuple[int, ...], key: tuple[int, ...]) -> None:
    def attention(image: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(image.new_ones(query), image.new_ones(key), image.new_ones(key))

    on_meta, on_cpu = (trace(Applied(attention), 8, 8, device) for device in ("meta", "cpu"))
    assert on_meta.macs == on_cpu.macs
    assert on_meta.output.shape == on_cpu.output.shape
    groups = [max(a, b) for a, b in zip(query[:-2], key[:-2], strict=True)]
    assert on_meta.macs == 2 * torch.Size(groups).numel() * query[-2] * key[-2] * 8
    assert all("attention" in o.operator for o in on_meta.operations if o.macs)


def test_what_torch_refuses_is_refused() -> None:
    def attention(image: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(image.new_ones(1, 2, 8, 8), image.new_ones(1, 2, 8, 16), image)

    with pytest.raises(RuntimeError):
        trace(Applied(attention), 8, 8)


def test_norms_on_statistics_of_the_batch_cost_what_norms_cost() -> None:
    elements = 3 * 8 * 16
    assert rest(trace(nn.InstanceNorm2d(3), 16, 8)) == 6 * elements
    assert rest(trace(nn.GroupNorm(3, 3), 16, 8)) == 6 * elements
    assert rest(trace(nn.BatchNorm2d(3), 16, 8)) == elements
