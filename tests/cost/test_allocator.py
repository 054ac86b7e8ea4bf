"""Peak memory by liveness against torch's allocator in real passes."""

from __future__ import annotations

import json

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn

from bench.cli import cli
from bench.cost.allocator import allocated_peaks, check_memory
from variants.names import parse_name

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


class Doubled(nn.Module):
    """Holds the image, the sum and the product; frees the sum before it adds again."""

    def forward(self, image: Tensor) -> Tensor:
        doubled = image + image
        product = doubled * image
        del doubled
        return product + product


def test_the_allocators_peak_by_hand() -> None:
    one = 4 * 3 * 32 * 16
    assert allocated_peaks(Doubled(), 32, 16) == (3 * one, 3 * one)


@pytest.mark.parametrize(
    "name",
    [
        "lcnet_050+fpn16-head16",
        "mobilenetv2_050+frm34-dnl-w32+fpn32-head16",
        "resnet18+frm1234-transformer-w64-depth2-heads4-ffn4+fpn32-head16",
        "pvt_v2_b0+fpn32-head16",
        "van_b0+frm1234-ppm-w32+fpn32-head16",
        "lcnet_050+frm1234-nonlocal-s8-w32-everylevel+fpn32-plainhead",
        "mobilenetv2_050+smp_segformer",
        "bisenetv2",
        "lraspp_mobilenet_v3_large",
    ],
)
def test_liveness_is_the_allocators_peak(name: str) -> None:
    torch.set_num_threads(1)
    check = check_memory(parse_name(name), 19, 256, 128)
    assert check.estimated == pytest.approx(check.activations, rel=1e-3)
    assert check.with_scratch >= check.activations


def test_the_command_prints_both(capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["lcnet_050+fpn16-head16", "--size", "128x64", "--check-memory"]
    done = CliRunner().invoke(cli, ["cost", *arguments])
    assert done.exit_code == 0, done.output
    assert "Largest error +0.0" in done.stdout
    data = json.loads(CliRunner().invoke(cli, ["cost", *arguments, "--json"]).stdout)
    assert data[0]["estimated"] > 0
