"""Built variants: shapes, gradients, and context blocks against plain formulas."""

import pytest
import torch
from torch import Tensor, nn

from variants.context import CONTEXTS, build_context
from variants.context.dnl import DisentangledNonLocal
from variants.context.nonlocal_block import NonLocal
from variants.names import parse_name
from variants.network import build

OPTIONS = {"transformer": {"transformer_depth": 1, "transformer_heads": 2, "transformer_ffn_ratio": 2}}
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


def test_f4_reaches_the_decoder_when_it_is_not_fused() -> None:
    net = build(parse_name("lcnet_050+frm12-none-w16+fpn16-head8"), 5)
    assert net.refine is not None
    assert net.refine.out_channels == 16 + net.backbone.channels[3]


def test_spec_changes_the_network_only_where_it_says() -> None:
    plain, refined = (build(parse_name(f"lcnet_050+{module}fpn16-head8"), 5) for module in ("", "frm34-dnl-w16+"))
    assert plain.refine is None
    assert str(plain.head) == str(refined.head)
    assert str(plain.backbone) == str(refined.backbone)


def plain_attention(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """(positions, channels) each, one matrix of all pairs, in float64."""
    return torch.softmax(query @ key.T * scale, dim=1) @ value


def tokens(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """A 1x1 convolution as a matrix: (C, H, W) -> (H * W, outputs)."""
    assert conv.bias is not None
    return x.flatten(1).T @ conv.weight[:, :, 0, 0].T + conv.bias


def test_nonlocal_is_the_plain_formula() -> None:
    torch.manual_seed(0)
    block, x = NonLocal(8).double().eval(), torch.randn(8, 5, 7, dtype=torch.float64)
    y = plain_attention(tokens(block.theta, x), tokens(block.phi, x), tokens(block.g, x), 4**-0.5)
    expected = x + block.norm((y @ block.project.weight[:, :, 0, 0].T).T.reshape(1, 8, 5, 7))[0]
    assert torch.allclose(block(x[None])[0], expected, atol=1e-5)


def test_dnl_is_the_plain_formula() -> None:
    torch.manual_seed(0)
    block, x = DisentangledNonLocal(8).double().eval(), torch.randn(8, 5, 7, dtype=torch.float64)
    theta, phi, g = (tokens(conv, x) for conv in (block.theta, block.phi, block.g))
    pairwise = plain_attention(theta - theta.mean(0), phi - phi.mean(0), g, 1 / (4**0.5 * 0.05))
    unary = torch.softmax(tokens(block.mask, x)[:, 0], dim=0) @ g
    y = ((pairwise + unary) @ block.project.weight[:, :, 0, 0].T).T.reshape(1, 8, 5, 7)
    assert torch.allclose(block(x[None])[0], x + block.norm(y)[0], atol=1e-5)


@pytest.mark.parametrize("name", CONTEXTS)
def test_context_keeps_the_shape(name: str) -> None:
    block = build_context(name, 16, OPTIONS.get(name, {}))
    assert block(torch.rand(2, 16, 3, 5)).shape == (2, 16, 3, 5)


@pytest.mark.parametrize("name", [name for name in CONTEXTS if name != "none"])
def test_context_sees_the_whole_map(name: str) -> None:
    torch.manual_seed(0)
    block = build_context(name, 16, OPTIONS.get(name, {})).eval()
    x = torch.randn(1, 16, 1, 40, requires_grad=True)
    (gradient,) = torch.autograd.grad(block(x)[..., 0].square().sum(), x)
    assert gradient[..., -1].abs().max() > 0


def test_the_same_seed_builds_the_same_network() -> None:
    def first_weight() -> Tensor:
        torch.manual_seed(3)
        return next(build(parse_name(NAMES[3]), 5).parameters())

    assert torch.equal(first_weight(), first_weight())
