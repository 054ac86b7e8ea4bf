"""Activations in a training: none copies its input, and no gradient comes out otherwise."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from bench.accuracy.activations import avoid_copies
from variants.names import parse_name
from variants.network import build

ACTIVATIONS = (
    nn.ReLU,
    nn.ReLU6,
    nn.Hardtanh,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.SiLU,
    nn.Mish,
    nn.ELU,
    nn.SELU,
    nn.LeakyReLU,
)
IMAGES = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


class Calls(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts what torch computes inside."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.of: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.of[str(func)] += 1
        return func(*args, **(kwargs or {}))


def step(net: nn.Module) -> tuple[int, Tensor, list[Tensor]]:
    """Copies in a forward pass, its result, and the gradients."""
    net.zero_grad()
    torch.manual_seed(0)  # of dropout
    with Calls() as calls:
        out = net(IMAGES)
    out.square().mean().backward()
    gradients = [parameter.grad for parameter in net.parameters()]
    return calls.of["aten.clone.default"], out.detach(), [grad for grad in gradients if grad is not None]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda one: one.__name__)
def test_no_activation_in_place_copies_its_input(activation: type[nn.Module]) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), activation(inplace=True), nn.Conv2d(4, 4, 3))
    _, out, gradients = step(net)
    avoid_copies(net)
    copies, out_of_place, same_gradients = step(net)
    assert copies == 0
    assert torch.equal(out, out_of_place)
    assert all(map(torch.equal, gradients, same_gradients))


@pytest.mark.parametrize("name", ["mobilenetv2_100+fpn16-head16", "lcnet_050+fpn16-head16"])
def test_a_network_makes_fewer_copies_and_trains_to_the_same_bits(name: str) -> None:
    torch.manual_seed(0)
    net = build(parse_name(name), 4, pretrained=False).train()
    copies, out, gradients = step(net)
    avoid_copies(net)
    fewer, out_of_place, same_gradients = step(net)
    assert fewer == 0 < copies
    assert torch.equal(out, out_of_place)
    assert all(map(torch.equal, gradients, same_gradients))
