"""Training in bfloat16: nearly the gradients of float32, and nearly its result."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from bench.accuracy.depthwise import DepthwiseConv
from bench.accuracy.enlarge import full_size_logits
from bench.accuracy.evaluate import evaluate
from bench.accuracy.precision import TrainPrecision, autocast, fastest_precision
from bench.accuracy.schedule import Schedule
from bench.accuracy.train import Passes, train
from tests.test_training import halves
from variants.layers import resize
from variants.names import parse_name
from variants.network import Network, build

IMAGES = torch.rand(2, 8, 16, 16, generator=torch.Generator().manual_seed(0))


def convolution(groups: int, kernel: int, stride: int) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(8, 8, kernel, stride, kernel // 2, groups=groups, bias=False)


@pytest.mark.parametrize(("groups", "kernel", "stride"), [(1, 3, 1), (8, 3, 1), (8, 3, 2), (8, 5, 1), (2, 5, 2)])
def test_gradients_are_nearly_those_of_float32(groups: int, kernel: int, stride: int) -> None:
    conv = convolution(groups, kernel, stride)
    gradients = {}
    for precision in ("float32", "bfloat16"):
        conv.zero_grad()
        with autocast("cpu", precision):
            out = conv(IMAGES)
        out.float().square().mean().backward()
        gradients[precision] = conv.weight.grad.clone()  # type: ignore[union-attr]
    assert out.dtype == torch.bfloat16
    apart = (gradients["bfloat16"] - gradients["float32"]).norm() / gradients["float32"].norm()
    assert apart < 0.01


def test_what_is_slow_in_bfloat16_is_computed_in_float32() -> None:
    """Its result is that of float32, rounded once; of the others it is not always."""
    conv = convolution(groups=2, kernel=5, stride=2)
    exact = conv(IMAGES)
    with autocast("cpu", "bfloat16"):
        out = conv(IMAGES)
    assert torch.equal(out, exact.to(torch.bfloat16))


@pytest.mark.parametrize("size", [(9, 12), (6, 7), (2, 1)])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [(3, (2, 2), (1, 1)), (5, (1, 1), (2, 2)), (5, (2, 2), (2, 2)), (5, (1, 2), (4, 2)), (5, (3, 1), (2, 3))],
)
def test_depthwise_gradients_are_torchs(
    kernel: int, stride: tuple[int, int], padding: tuple[int, int], size: tuple[int, int]
) -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(2, 4, *size, generator=generator).contiguous(memory_format=torch.channels_last)
    weight = torch.randn(4, 1, kernel, kernel, generator=generator)
    ours, torchs = ([tensor.clone().requires_grad_() for tensor in (image, weight)] for _ in range(2))
    out = DepthwiseConv.apply(*ours, stride, padding)
    exact = torch.conv2d(torchs[0], torchs[1], None, stride, padding, groups=4)
    assert torch.equal(out, exact)
    for one in (out, exact):
        one.square().sum().backward()
    for mine, theirs in zip(ours, torchs, strict=True):
        assert mine.grad is not None
        assert theirs.grad is not None
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-4, atol=1e-4)  # sums in another order


def graph_of(out: torch.Tensor) -> str:
    """Names of the functions that made a tensor."""
    names, waiting = [], [out.grad_fn]
    while waiting:
        function = waiting.pop()
        if function is not None:
            names.append(function.name())
            waiting += [before for before, _ in function.next_functions]
    return " ".join(names)


@pytest.mark.parametrize("bias", [False, True])
def test_depthwise_layers_train_as_in_float32(bias: bool) -> None:
    """Padded as TensorFlow does, with a bias, called with words: whatever a network has."""
    torch.manual_seed(0)
    weight = torch.randn(8, 1, 5, 5, requires_grad=True)
    shift = torch.randn(8, requires_grad=True) if bias else None
    learnt = [weight] if shift is None else [weight, shift]
    of = {}
    for precision in ("float32", "bfloat16"):
        with autocast("cpu", precision):
            out = F.conv2d(F.pad(IMAGES, (1, 2, 1, 2)), weight, bias=shift, stride=(2, 2), groups=8)
        assert ("DepthwiseConv" in graph_of(out)) == (precision == "bfloat16")
        of[precision] = torch.autograd.grad(out.float().square().mean(), learnt)
    for half, exact in zip(of["bfloat16"], of["float32"], strict=True):
        assert (half - exact).norm() / exact.norm() < 0.01


@pytest.mark.parametrize("size", [(24, 40), (23, 41), (6, 10)])
def test_logits_are_enlarged_as_by_interpolation(size: tuple[int, int]) -> None:
    logits = torch.randn(2, 3, 6, 10, generator=torch.Generator().manual_seed(0)).requires_grad_()
    ours, torchs = full_size_logits(logits, size), resize(logits, size)
    torch.testing.assert_close(ours, torchs)
    of = torch.randn(torchs.shape, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(torch.autograd.grad(ours, logits, of), torch.autograd.grad(torchs, logits, of))


def test_logits_in_bfloat16_are_enlarged_in_float32() -> None:
    logits = torch.randn(2, 3, 6, 10, generator=torch.Generator().manual_seed(0)).bfloat16()
    with autocast("cpu", "bfloat16"):
        full = full_size_logits(logits, (24, 40))
    torch.testing.assert_close(full, resize(logits.float(), (24, 40)))


def test_a_training_enlarges_the_logits_itself() -> None:
    """A network hands it those of its own size; what is no network, or resizes in its own way, is left to it."""
    net, image = build(parse_name("lcnet_050+fpn8-head8"), 2), torch.rand(2, 3, 64, 96)
    assert Passes.plain(net, "bfloat16").net(image).shape == (2, 2, 16, 24)

    class Own(Network):
        def classify_image(self, image: torch.Tensor) -> torch.Tensor:
            return image[:, :2]

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return -self.classify_image(image)

    assert torch.equal(Passes.plain(Own((0, 0, 0), (1, 1, 1)), "float32").net(image), -image[:, :2])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_network_learns_in_either(precision: TrainPrecision) -> None:
    torch.manual_seed(0)
    net = build(parse_name("lcnet_050+frm34-dnl-w16+fpn16-head16"), 2)
    schedule = Schedule(epochs=6, batch_size=4, learning_rate=0.01)
    train(net, halves(24, 0), 2, schedule, 0, precision=precision)
    assert all(parameter.dtype == torch.float32 for parameter in net.parameters())
    assert evaluate(net, halves(6, 1), 2).miou.value > 0.8


def test_the_processor_decides() -> None:
    assert fastest_precision("cpu") in ("float32", "bfloat16")
