"""Built variants: shapes and gradients."""

import pytest
import torch
from torch import Tensor, nn

from variants.context import CONTEXTS, build_context
from variants.names import parse_name
from variants.network import build
from variants.segmenter import Segmenter

NAMES = [
    "lcnet_050+fpn16-head8",
    "lcnet_050+frm1234-none-w16+fpn16-head8",
    "lcnet_050+frm12-nonlocal-w16+fpn16-head8",
    "lcnet_050+frm34-dnl-w16+fpn16-head8",
    "lcnet_050+frm4-transformer-w16-depth2-heads2-ffn2+fpn16-head8",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(64, 96), (45, 71)], ids=str)
def test_logits_have_the_size_of_the_image_and_everything_learns(name: str, size: tuple[int, int]) -> None:
    net = build(parse_name(name), 5).train()
    logits = net(torch.rand(2, 3, *size))
    assert logits.shape == (2, 5, *size)
    logits.square().mean().backward()
    unused = [key for key, p in net.named_parameters() if p.grad is None and not key.startswith("backbone.")]
    assert not unused


def small_network(name: str) -> Segmenter:
    net = build(parse_name(name), 5)
    assert isinstance(net, Segmenter)
    return net.eval()


def test_f4_reaches_the_decoder_when_it_is_not_fused() -> None:
    net = small_network("lcnet_050+frm12-none-w16+fpn16-head8")
    assert net.refine is not None
    assert net.refine.top_channels == 16 + 256
    image = torch.rand(1, 3, 64, 64)
    stages: list[Tensor] = net.backbone(image)
    top = net.refine.top(net.refine(stages), stages[3])
    assert torch.equal(top[:, 16:], stages[3])


def test_spec_changes_the_network_only_where_it_says() -> None:
    plain, refined = (small_network(f"lcnet_050+{module}fpn16-head8") for module in ("", "frm34-dnl-w16+"))
    assert plain.refine is None
    assert str(plain.head) == str(refined.head)
    assert str(plain.backbone) == str(refined.backbone)


def small_block(name: str) -> nn.Module:
    """16 channels; axes without a default are 2."""
    options = {axis.name: axis.default if axis.default is not None else 2 for axis in CONTEXTS[name].axes}
    return build_context(name, 16, options)


@pytest.mark.parametrize("name", CONTEXTS)
def test_context_keeps_the_shape(name: str) -> None:
    block = small_block(name)
    assert block(torch.rand(2, 16, 3, 5)).shape == (2, 16, 3, 5)


@pytest.mark.parametrize("name", [name for name in CONTEXTS if name != "none"])
def test_context_sees_the_whole_map(name: str) -> None:
    torch.manual_seed(0)
    block = small_block(name).eval()
    x = torch.randn(1, 16, 1, 40, requires_grad=True)
    (gradient,) = torch.autograd.grad(block(x)[..., 0].square().sum(), x)
    assert gradient[..., -1].abs().max() > 0


def test_the_same_seed_builds_the_same_network() -> None:
    def first_weight() -> Tensor:
        torch.manual_seed(3)
        return next(build(parse_name(NAMES[3]), 5).parameters())

    assert torch.equal(first_weight(), first_weight())
