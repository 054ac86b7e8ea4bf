"""Gradients of wide depthwise kernels are torch's own, but for rounding."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from bench.accuracy.depthwise import DepthwiseConv
from bench.accuracy.precision import autocast, fast_gradients
from variants.names import parse_name
from variants.network import build

SHAPES = {
    "5x5": ((5, 5), (1, 1), (2, 2), (6, 8)),
    "padded before": ((5, 5), (2, 2), (0, 0), (11, 13)),
    "7x7, stride 2": ((7, 7), (2, 2), (3, 3), (9, 8)),
    "stride that leaves columns out": ((5, 5), (3, 3), (1, 1), (9, 9)),
    "all zeros beside": ((5, 6), (2, 2), (1, 3), (6, 8)),
    "image smaller than the kernel": ((5, 5), (1, 1), (2, 2), (2, 3)),
    "other sides": ((3, 4), (1, 2), (1, 0), (5, 9)),
}


@pytest.mark.parametrize(("kernel", "stride", "padding", "size"), SHAPES.values(), ids=SHAPES.keys())
def test_gradients_are_those_of_finite_differences(
    kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int], size: tuple[int, int]
) -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(2, 3, *size, generator=generator, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, 1, *kernel, generator=generator, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(
        DepthwiseConv.apply(image, weight, stride, padding), F.conv2d(image, weight, None, stride, padding, 1, 3)
    )
    assert torch.autograd.gradcheck(lambda *both: DepthwiseConv.apply(*both, stride, padding), (image, weight))


def test_every_gradient_of_a_network_is_the_same_but_for_rounding() -> None:
    torch.manual_seed(0)
    net = build(parse_name("lcnet_050+fpn8-head8"), 2).train().to(memory_format=torch.channels_last)
    image = torch.rand(2, 3, 64, 96)
    wide = {"float32": 0, "plain": 0}
    gradients: dict[str, dict[str, torch.Tensor]] = {}
    for way in wide:
        torch.manual_seed(0)  # of dropout
        net.zero_grad()
        with fast_gradients("cpu", net) if way == "float32" else torch.enable_grad():
            loss = net(image).square().mean()
        wide[way] = graph_size(loss, "DepthwiseConv")
        loss.backward()
        gradients[way] = {name: p.grad for name, p in net.named_parameters() if p.grad is not None}
    assert wide == {"float32": sum(map(is_wide_depthwise, net.modules())), "plain": 0}
    assert wide["float32"] > 0
    for name, gradient in gradients["plain"].items():
        scale = float(gradient.abs().max())
        torch.testing.assert_close(gradients["float32"][name], gradient, rtol=1e-3, atol=1e-4 * scale)


def is_wide_depthwise(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.groups > 1 and module.kernel_size[1] > 3


def graph_size(loss: torch.Tensor, kind: str) -> int:
    """Nodes of a kind that the gradient goes through."""
    seen, ahead = set(), [loss.grad_fn]
    while ahead:
        node = ahead.pop()
        if node is not None and node not in seen:
            seen.add(node)
            ahead += [following for following, _ in node.next_functions]
    return sum(kind in node.name() for node in seen)


def test_bias_and_forms_of_the_arguments_are_torchs() -> None:
    image, conv = torch.randn(2, 4, 9, 9), nn.Conv2d(4, 4, 5, padding=2, groups=4)
    named = nn.Conv2d(4, 4, 5, padding="same", groups=4)
    for module in (conv, named):
        with fast_gradients("cpu", module):
            out = module(image)
        torch.testing.assert_close(out, module(image))
    with fast_gradients("cpu", conv), autocast("cpu", "bfloat16"):
        out = conv(image)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), conv(image), rtol=1e-2, atol=1e-2)
