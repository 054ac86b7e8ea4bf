"""BiSeNetV2 and DDRNet-23-slim: shapes, training, number formats, export and the published cost."""

import warnings
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from fvcore.nn import FlopCountAnalysis
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from variants.networks.bisenetv2 import DIFFERENCE, BiSeNetV2
from variants.networks.ddrnet import DDRNet23Slim

CLASSES = 19
NETWORKS: tuple[Callable[[int], nn.Module], ...] = (BiSeNetV2, DDRNet23Slim)
LARGE, SMALL = (2048, 1024), (1024, 512)

both = pytest.mark.parametrize("build", NETWORKS)


def gmacs(net: nn.Module, size: tuple[int, int]) -> float:
    width, height = size
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net.eval()(torch.empty(1, 3, height, width, device="meta"))
    return float(counter.get_total_flops()) / 2e9


def millions(net: nn.Module) -> float:
    return sum(p.numel() for p in net.parameters()) / 1e6


def bisenetv2(head_width: int, gather_expands: bool) -> BiSeNetV2:
    with torch.device("meta"):
        return BiSeNetV2(CLASSES, head_width=head_width, gather_expands=gather_expands)


@both
@pytest.mark.parametrize("size", [(32, 32), (33, 47), (64, 96), (101, 65), (127, 130)])
def test_logits_are_at_an_eighth_rounded_up(build: Callable[[int], nn.Module], size: tuple[int, int]) -> None:
    with torch.no_grad():
        logits = build(5).eval()(torch.rand(2, 3, *size))
    assert logits.shape == (2, 5, -(-size[0] // 8), -(-size[1] // 8))
    assert logits.isfinite().all()


@both
@pytest.mark.parametrize("size", [(32, 32), (75, 97)])
def test_a_batch_of_one_trains_every_parameter(build: Callable[[int], nn.Module], size: tuple[int, int]) -> None:
    net = build(5).train()
    net(torch.rand(1, 3, *size)).square().mean().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert size == (32, 32) or parameter.grad.any(), name


@both
def test_training_moves_running_statistics_and_evaluation_does_not(build: Callable[[int], nn.Module]) -> None:
    net, image = build(5), torch.rand(2, 3, 64, 64)

    def statistics() -> torch.Tensor:
        return torch.cat([b.flatten() for name, b in net.named_buffers() if "running" in name])

    seen = [statistics()]
    for mode in (False, True):
        net.train(mode)(image)
        seen.append(statistics())
    assert [torch.equal(a, b) for a, b in pairwise(seen)] == [True, False]


@both
def test_trains_in_bfloat16_under_autocast(build: Callable[[int], nn.Module]) -> None:
    net = build(5).train()
    with torch.autocast("cpu", torch.bfloat16):
        logits = net(torch.rand(1, 3, 64, 96))
        logits.float().square().mean().backward()
    assert logits.dtype == torch.bfloat16
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


@both
def test_runs_with_bfloat16_weights(build: Callable[[int], nn.Module]) -> None:
    net = build(5).eval().bfloat16()
    with torch.no_grad():
        assert net(torch.rand(1, 3, 64, 96).bfloat16()).isfinite().all()


@pytest.mark.slow
@both
def test_exported_program_gives_the_same_logits(build: Callable[[int], nn.Module]) -> None:
    net, image = build(5).eval(), torch.rand(1, 3, 96, 64)
    program = torch.export.export(net, (image,))
    with torch.no_grad():
        torch.testing.assert_close(program.module()(image), net(image), atol=1e-4, rtol=0)


@both
def test_classifier_is_what_makes_the_logits(build: Callable[[int], nn.Module]) -> None:
    net = build(5).eval()
    made: list[torch.Tensor] = []
    classifier = net.get_submodule("classifier")
    classifier.register_forward_hook(lambda module, inputs, output: made.append(output))
    with torch.no_grad():
        assert net(torch.rand(1, 3, 64, 64)) is made[0]
    assert isinstance(classifier, nn.Conv2d)
    assert classifier.kernel_size == (1, 1)


def test_ddrnet_has_the_published_cost() -> None:
    with torch.device("meta"):
        net = DDRNet23Slim(CLASSES)
    assert gmacs(net, LARGE) == pytest.approx(36.3, rel=0.005)
    assert f"{millions(net):.1f}" == "5.7"


def test_bisenetv2_has_the_cost_that_is_written_down() -> None:
    with torch.device("meta"):
        net = BiSeNetV2(CLASSES)
    figures = f"{millions(net):.2f} M parameters and {gmacs(net, SMALL):.2f} GMACs at 1024x512"
    assert f"{figures} ({gmacs(net, LARGE):.2f} at 2048x1024)" in DIFFERENCE


@pytest.mark.parametrize(
    ("head_width", "gather_expands", "size", "written"),
    [
        (349, True, SMALL, "349 channels gives {macs:.2f}"),
        (256, True, SMALL, "256 gives {macs:.2f}"),
        (128, False, SMALL, "gives {macs:.2f} and {parameters:.2f} M"),
    ],
)
def test_other_builds_have_the_cost_that_is_written_down(
    head_width: int, gather_expands: bool, size: tuple[int, int], written: str
) -> None:
    net = bisenetv2(head_width, gather_expands)
    assert written.format(macs=gmacs(net, size), parameters=millions(net)) in DIFFERENCE


def test_four_auxiliary_heads_have_the_cost_that_is_written_down() -> None:
    width, height = LARGE
    macs = gmacs(bisenetv2(1024, gather_expands=False), LARGE)
    parameters = millions(bisenetv2(1024, gather_expands=False))
    for channels, stride in ((16, 4), (32, 8), (64, 16), (128, 32)):
        weights = channels * 128 * 9 + 128 * CLASSES
        macs += weights * (width // stride) * (height // stride) / 1e9
        parameters += (weights + 2 * 128 + CLASSES) / 1e6
    assert f"four auxiliary heads of 128 on top, {macs:.2f} and {parameters:.2f} M" in DIFFERENCE


def test_fvcore_counts_norms_and_resizing_on_top() -> None:
    width, height = SMALL
    net = BiSeNetV2(CLASSES, head_width=128, gather_expands=False).eval()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        count = FlopCountAnalysis(net, torch.zeros(1, 3, height, width)).unsupported_ops_warnings(False)
        assert f"gives {count.total() / 1e9:.2f}.\n" in DIFFERENCE
