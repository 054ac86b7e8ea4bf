"""Any timm network with four stages is a backbone; weights come from a folder or are refused."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from variants.backbones import build_backbone, check_backbone
from variants.backbones.families import FAMILIES
from variants.backbones.timm_adapter import TimmBackbone
from variants.errors import VariantError
from variants.names import parse_name
from variants.network import build

NAME = "mobilenetv3_small_050"


@pytest.mark.parametrize("name", FAMILIES)
def test_family_gives_four_stages(name: str) -> None:
    backbone = build_backbone(name).eval()
    with torch.no_grad():
        stages = backbone(torch.rand(1, 3, 96, 64))
    assert [tuple(stage.shape[1:]) for stage in stages] == [
        (channels, 96 // stride, 64 // stride)
        for channels, stride in zip(backbone.channels, (4, 8, 16, 32), strict=True)
    ]


def test_maps_in_the_other_layout_are_turned() -> None:
    backbone = build_backbone("swin_tiny_patch4_window7_224@strict_img_size=False").eval()
    with torch.no_grad():
        stages = backbone(torch.rand(1, 3, 64, 64))
    assert [stage.shape[1] for stage in stages] == [96, 192, 384, 768]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnet81", "Did you mean"),
        ("vit_tiny_patch16_224", r"stages at strides \[16, 16, 16\]"),
        ("swin_tiny_patch4_window7_224", "refuses an image of 256x256"),
        ("resnet18@no_such=1", "cannot build"),
    ],
)
def test_unfit_backbone_is_refused_with_the_reason(name: str, words: str) -> None:
    with pytest.raises(VariantError, match=words):
        check_backbone(name)


def test_arguments_reach_timm() -> None:
    same = build_backbone("mobilenetv2_050@pad_type=same,mean=0.5,std=0.25")
    assert same.mean == (0.5, 0.5, 0.5)
    assert same.std == (0.25, 0.25, 0.25)
    assert isinstance(same, TimmBackbone)
    assert "Same" in str(same.net)


@pytest.mark.parametrize("whole", [True, False], ids=["whole classifier", "features only"])
@pytest.mark.parametrize("name", [NAME, "repvit_m0_9"])
def test_weights_file_loads(tmp_path: Path, name: str, whole: bool) -> None:
    donor = timm.create_model(name) if whole else timm.create_model(name, features_only=True)
    save_file(donor.state_dict(), tmp_path / f"{name}.safetensors")
    loaded = build_backbone(name, pretrained=True, weights_dir=tmp_path).state_dict()
    given = {key.replace(".", "_"): value for key, value in donor.state_dict().items()}
    for key, value in loaded.items():
        assert torch.equal(value, given[key.removeprefix("net.").replace(".", "_")]), key


def test_half_precision_loads_as_float32(tmp_path: Path) -> None:
    donor = timm.create_model(NAME, features_only=True)
    torch.save(
        {k: v.half() if v.is_floating_point() else v for k, v in donor.state_dict().items()}, tmp_path / f"{NAME}.pth"
    )
    backbone = build_backbone(NAME, pretrained=True, weights_dir=tmp_path)
    assert all(p.dtype == torch.float32 for p in backbone.parameters())


@pytest.mark.parametrize("damage", ["missing", "shape", "unknown", "garbage"])
def test_weights_that_do_not_fit_are_refused_by_file_name(tmp_path: Path, damage: str) -> None:
    state = dict(timm.create_model(NAME, features_only=True).state_dict())
    path = tmp_path / f"{NAME}.safetensors"
    if damage == "missing":
        del state["conv_stem.weight"]
    elif damage == "shape":
        state["conv_stem.weight"] = torch.zeros(1)
    elif damage == "unknown":
        state["another.weight"] = torch.zeros(1)
    save_file(state, path)
    if damage == "garbage":
        path.write_bytes(b"not weights")
    with pytest.raises(VariantError, match=path.name):
        build_backbone(NAME, pretrained=True, weights_dir=tmp_path)


def test_missing_weights_name_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "other.safetensors").touch()
    with pytest.raises(VariantError, match=r"no mobilenetv3_small_050.safetensors.*other.safetensors"):
        build_backbone(NAME, pretrained=True, weights_dir=tmp_path)


def test_shared_weights_fit(shared: Path) -> None:
    for name in ("mobilenetv2_100@pad_type=same,mean=0.5,std=0.5", "tf_efficientnet_lite0"):
        net = build(parse_name(f"{name}+fpn16-head16"), 5, pretrained=True, weights_dir=shared / "weights")
        assert net(torch.rand(2, 3, 64, 64)).isfinite().all()
