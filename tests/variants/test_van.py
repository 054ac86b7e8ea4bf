"""VAN: the block is the paper's formula, stages keep the contract, the authors' weight files load."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from variants.backbones import build_backbone
from variants.backbones.van import Block
from variants.errors import VariantError


@pytest.mark.parametrize("size", [(96, 64), (45, 71)], ids=str)
def test_stages_keep_the_contract(size: tuple[int, int]) -> None:
    backbone = build_backbone("van_b0").eval()
    with torch.no_grad():
        stages = backbone(torch.rand(1, 3, *size))
    assert [tuple(stage.shape[1:]) for stage in stages] == [
        (channels, -(-size[0] // stride), -(-size[1] // stride))
        for channels, stride in zip((32, 64, 160, 256), (4, 8, 16, 32), strict=True)
    ]


def depthwise(x: Tensor, state: dict[str, Tensor], name: str, dilation: int) -> Tensor:
    """A depth-wise convolution as shifted sums: (1, C, H, W) with weights (C, 1, k, k)."""
    weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
    reach = weight.shape[-1] // 2 * dilation
    padded = F.pad(x, (reach,) * 4)
    height, width = x.shape[-2:]
    total = torch.zeros_like(x)
    for i in range(weight.shape[-2]):
        for j in range(weight.shape[-1]):
            window = padded[..., i * dilation : i * dilation + height, j * dilation : j * dilation + width]
            total = total + weight[:, 0, i, j, None, None] * window
    return total + bias[:, None, None]


def matrix(x: Tensor, state: dict[str, Tensor], name: str) -> Tensor:
    """A 1x1 convolution as a matrix product over positions."""
    weight, bias = state[f"{name}.weight"][:, :, 0, 0], state[f"{name}.bias"]
    return (weight @ x.flatten(2) + bias[:, None]).reshape(1, -1, *x.shape[-2:])


def test_block_is_the_plain_formula() -> None:
    torch.manual_seed(0)
    block = Block(8, mlp_ratio=4, drop_path=0.5).double().eval()
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    state, x = block.state_dict(), torch.randn(1, 8, 23, 25, dtype=torch.float64)
    normed = block.norm1(x)
    u = F.gelu(matrix(normed, state, "attn.proj_1"))
    gate = depthwise(u, state, "attn.spatial_gating_unit.conv0", 1)
    gate = depthwise(gate, state, "attn.spatial_gating_unit.conv_spatial", 3)
    u = u * matrix(gate, state, "attn.spatial_gating_unit.conv1")
    x1 = x + state["layer_scale_1"][:, None, None] * (normed + matrix(u, state, "attn.proj_2"))
    hidden = matrix(block.norm2(x1), state, "mlp.fc1")
    hidden = F.gelu(depthwise(hidden, state, "mlp.dwconv.dwconv", 1))
    expected = x1 + state["layer_scale_2"][:, None, None] * matrix(hidden, state, "mlp.fc2")
    assert torch.allclose(block(x), expected, atol=1e-9)


def published_keys(widths: tuple[int, ...], depths: tuple[int, ...]) -> set[str]:
    """The keys of the authors' files, as their code writes them."""
    norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    keys = {"head.weight", "head.bias"}
    for i, depth in enumerate(depths, start=1):
        keys |= {f"patch_embed{i}.proj.{p}" for p in ("weight", "bias")} | {f"patch_embed{i}.norm.{p}" for p in norm}
        keys |= {f"norm{i}.weight", f"norm{i}.bias"}
        for j in range(depth):
            at = f"block{i}.{j}"
            keys |= {f"{at}.layer_scale_1", f"{at}.layer_scale_2"}
            keys |= {f"{at}.norm{n}.{p}" for n in (1, 2) for p in norm}
            convs = ["attn.proj_1", "attn.proj_2", "mlp.fc1", "mlp.fc2", "mlp.dwconv.dwconv"]
            convs += [f"attn.spatial_gating_unit.{conv}" for conv in ("conv0", "conv_spatial", "conv1")]
            keys |= {f"{at}.{conv}.{p}" for conv in convs for p in ("weight", "bias")}
    return keys


def test_the_authors_file_loads(tmp_path: Path) -> None:
    torch.manual_seed(1)
    donor = build_backbone("van_b0")
    state = donor.state_dict() | {"head.weight": torch.zeros(1000, 256), "head.bias": torch.zeros(1000)}
    assert set(state) == published_keys((32, 64, 160, 256), (3, 3, 5, 2))
    torch.save({"state_dict": state}, tmp_path / "van_b0.pth")
    loaded = build_backbone("van_b0", pretrained=True, weights_dir=tmp_path).state_dict()
    assert all(torch.equal(loaded[key], donor.state_dict()[key]) for key in loaded)


def test_a_file_of_another_size_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": build_backbone("van_b0").state_dict()}, tmp_path / "van_b1.pth")
    with pytest.raises(VariantError, match=r"van_b1.pth does not fit 'van_b1'"):
        build_backbone("van_b1", pretrained=True, weights_dir=tmp_path)


def test_without_a_folder_the_offline_way_is_named() -> None:
    with pytest.raises(VariantError, match="--weights-dir FOLDER"):
        build_backbone("van_b0", pretrained=True)


def test_arguments_are_refused() -> None:
    with pytest.raises(VariantError, match="takes no arguments"):
        build_backbone("van_b0@drop_rate=1")
