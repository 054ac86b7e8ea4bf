"""MACs and parameters against formulas by hand and a second counter."""

import pytest
import torch
from torch import Tensor, nn

from bench.cost.crosscheck import TOLERANCE, count_macs_with_ptflops, relative_difference
from bench.cost.macs import count_macs
from bench.cost.parameters import count_parameters
from variants.axes import Value
from variants.context import CONTEXTS, build_context
from variants.names import parse_name
from variants.network import build
from variants.segmenter import Segmenter


class OnMap(nn.Module):
    """Runs a block on a 16-channel map of the image's size."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.widen = nn.Conv2d(3, 16, 1)
        self.block = block

    def forward(self, image: Tensor) -> Tensor:
        result: Tensor = self.block(self.widen(image))
        return result


def on_map_macs(name: str, width: int, height: int, **options: Value) -> int:
    """MACs of a context block of 16 channels alone."""
    defaults = {axis.name: axis.default for axis in CONTEXTS[name].axes if axis.default is not None}
    net = OnMap(build_context(name, 16, defaults | options))
    return count_macs(net, width, height).macs - width * height * 3 * 16


def test_convolution_by_hand() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 5, padding=2, groups=8))
    count = count_macs(net, 64, 32)
    assert count.macs == 32 * 16 * 8 * 3 * 9 + 32 * 16 * 8 * 25
    assert count.unknown == {}
    assert count_parameters(net) == 8 * 3 * 9 + 8 + 8 * 25 + 8


def test_norms_and_interpolation_are_no_macs() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Upsample(scale_factor=2, mode="bilinear"))
    assert count_macs(net, 32, 32).macs == 32 * 32 * 3 * 4


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


def test_unknown_operators_are_named() -> None:
    class Transform(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 1)

        def forward(self, image: Tensor) -> Tensor:
            spectrum: Tensor = torch.fft.rfft2(self.conv(image)).abs()
            return spectrum

    assert "aten._fft_r2c" in count_macs(Transform(), 32, 32).unknown


def test_semantic_fpn_on_resnet18_costs_what_is_derived_for_it() -> None:
    # 245.0 G with FPN 256 and head 128
    net = build(parse_name("resnet18+fpn256-head128"), 19)
    assert count_macs(net, 2048, 1024).macs == pytest.approx(245.0e9, rel=5e-4)


@pytest.mark.parametrize(
    "name",
    [
        "mobilenetv2_050+frm1234-dnl-w32+fpn32-head16",
        "pvt_v2_b0+fpn32-head16",
        "lcnet_050+frm34-transformer-w32-depth1-heads4-ffn2+fpn32-head16",
        "repvit_m0_9+frm4-nonlocal-w32+fpn32-head16",
    ],
)
def test_both_counters_agree(name: str) -> None:
    net = build(parse_name(name), 11)
    count = count_macs(net, 256, 128)
    assert count.unknown == {}
    assert abs(relative_difference(count.macs, count_macs_with_ptflops(net, 256, 128))) <= TOLERANCE


@pytest.mark.parametrize("name", ["mobilenetv2_050+fpn32-head16", "lcnet_050+frm34-dnl-w32+fpn32-head16"])
def test_parameters_are_those_of_the_parts(name: str) -> None:
    net = build(parse_name(name), 11)
    assert isinstance(net, Segmenter)
    parts = [net.backbone, net.refine, net.fpn, net.head]
    assert count_parameters(net) == sum(count_parameters(part) for part in parts if part is not None)
    assert count_parameters(net) == len(nn.utils.parameters_to_vector(net.parameters()))
