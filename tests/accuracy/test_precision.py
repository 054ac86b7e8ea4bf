"""Training in bfloat16: nearly the gradients of float32, and nearly its result."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bench.accuracy.enlarge import full_size_logits
from bench.accuracy.evaluate import evaluate
from bench.accuracy.precision import autocast, fast_gradients, fastest_precision
from bench.accuracy.train import Passes, train
from bench.settings.accuracy import TrainPrecision
from bench.settings.schedule import Schedule
from tests.accuracy.test_training import halves
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
        with fast_gradients("cpu", conv), autocast("cpu", precision):
            out = conv(IMAGES)
        out.float().square().mean().backward()
        gradients[precision] = conv.weight.grad.clone()  # type: ignore[union-attr]
    assert out.dtype == torch.bfloat16
    apart = (gradients["bfloat16"] - gradients["float32"]).norm() / gradients["float32"].norm()
    assert apart < 0.01


def test_what_is_slow_in_bfloat16_is_computed_in_float32() -> None:
    """Its result is that of float32, rounded once; of the others it is not always."""
    conv = convolution(groups=8, kernel=5, stride=2)
    exact = conv(IMAGES)
    with autocast("cpu", "bfloat16"), fast_gradients("cpu", conv):
        out = conv(IMAGES)
    assert torch.equal(out, exact.to(torch.bfloat16))


def test_a_network_is_left_as_it_was_also_after_a_pass_that_fails() -> None:
    conv = convolution(groups=8, kernel=5, stride=2)
    exact = conv(IMAGES)
    with pytest.raises(RuntimeError), fast_gradients("cpu", conv):
        conv(IMAGES[:, :3])
    with autocast("cpu", "bfloat16"):
        assert not torch.equal(conv(IMAGES), exact.to(torch.bfloat16))
    assert torch.equal(conv(IMAGES), exact)


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


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_network_learns_in_either(precision: TrainPrecision) -> None:
    torch.manual_seed(0)
    net = build(parse_name("lcnet_050+frm34-dnl-w16+fpn16-head16"), 2)
    schedule = Schedule(epochs=14, batch_size=4, learning_rate=0.01)
    train(net, halves(24, 0), 2, schedule, 0, precision=precision)
    assert all(parameter.dtype == torch.float32 for parameter in net.parameters())
    assert evaluate(net, halves(6, 1), 2).miou.value > 0.8


def test_the_processor_decides() -> None:
    assert fastest_precision("cpu") in ("float32", "bfloat16")
