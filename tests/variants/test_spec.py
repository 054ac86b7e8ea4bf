"""A spec has one name, one hash, and refuses what makes no network."""

import dataclasses

import pytest

from variants.context import CONTEXTS
from variants.errors import VariantError
from variants.names import parse_name
from variants.presets import PRESETS
from variants.spec import CORE_AXES, make_spec

NAMES = [
    "mobilenetv2_100+fpn64-head32",
    "resnet18+frm1234-dnl-w128+fpn64-head32",
    "resnet18.a1_in1k+frm34-none-w64+fpn128-head64",
    "mobilenetv2_100@pad_type=same,mean=0.5+frm4-nonlocal-w32+fpn64-head32",
    "lcnet_050+frm24-transformer-w64-depth2-heads4-ffn3+fpn64-head32",
    "van_b0+frm1234-dnl-s16-maxpool-gatedfusion-3x3conv-wx0.5-everylevel-r4-t0.1-groupnorm+fpn64-concathead-head32",
    "van_b1+frm1234-dnl-noneconv-r8+fpn256-plainhead",
    "resnet18+frm123-aspp-s8-convpool-sumfusion-noneconv-w64-dil3+fpn32-plainhead",
    "resnet18+frm1234-dnl-w128-t0.3162277660168379+fpn64-head32",
    "resnet18+frm1234-dnl-w128-t2+fpn64-head32",
    "resnet18+smp_unet",
    "ddrnet23_slim",
]


@pytest.mark.parametrize("name", NAMES)
def test_name_reads_back(name: str) -> None:
    spec = parse_name(name)
    assert spec.name == name
    assert parse_name(spec.name) == spec


def test_hash_tells_specs_apart_and_is_stable() -> None:
    hashes = {parse_name(name).content_hash for name in NAMES}
    assert len(hashes) == len(NAMES)
    # Pinned: records name their variants by it.
    assert parse_name(NAMES[1]).content_hash == "378660c0f546"


def test_axes_at_their_default_leave_name_and_hash_as_they_are() -> None:
    spec = make_spec(backbone="resnet18", module_width=128)
    spelled = make_spec(
        backbone="resnet18",
        module_width=128,
        network="frm",
        context="dnl",
        fused_stages=[1, 2, 3, 4],
        target_stride=32,
        unify="avg",
        fuse="concat",
        fusion_conv="1x1",
        reenter="top",
        reduction=2,
        temperature=0.05,
        norm="batch",
        head="sum",
        decoder_width=64,
        head_width=32,
    )
    assert spec == spelled
    assert spec.name == NAMES[1]
    assert spec.axes["temperature"] == 0.05


def test_only_axes_that_apply_are_in_a_spec() -> None:
    assert set(parse_name("ddrnet23_slim").axes) == {"network"}
    assert set(parse_name("resnet18+smp_fpn").axes) == {"network", "backbone"}
    plain = parse_name("resnet18+fpn64-plainhead").axes
    assert set(plain) == {"network", "backbone", "fused_stages", "decoder_width", "head"}
    assert "transformer_heads" not in parse_name(NAMES[1]).axes


@pytest.mark.parametrize("context", CONTEXTS)
def test_the_axes_of_a_block_do_not_clash_with_those_of_every_spec(context: str) -> None:
    core = {axis.name for axis in CORE_AXES}
    tags = {axis.tag for axis in CORE_AXES}
    for axis in CONTEXTS[context].axes:
        assert axis.name not in core
        assert axis.tag not in tags


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_a_name_like_any_other(preset: str) -> None:
    assert parse_name(preset) == parse_name(PRESETS[preset].variant)
    assert "Reconstruction" in PRESETS[preset].note


def test_spec_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        parse_name(NAMES[0]).decoder_width = 8  # type: ignore[misc]


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ({"backbone": "a b"}, "'a b' is not NAME"),
        ({"backbone": None}, "backbone is missing"),
        ({"network": "smp_unett"}, "Did you mean 'smp_unet'?"),
        ({"network": "ddrnet23_slim"}, "backbone 'resnet18' does not apply to network 'ddrnet23_slim'"),
        ({"network": "smp_fpn"}, "context 'dnl' does not apply to network 'smp_fpn'"),
        ({"fused_stages": (5,)}, "not ascending stages"),
        ({"fused_stages": (4, 3)}, "not ascending stages"),
        ({"fused_stages": 3}, "not a list of stages"),
        ({"fused_stages": [True]}, "not ascending stages"),
        ({"fused_stages": [1.0, 2]}, "not ascending stages"),
        ({"module_width": "x0.00001"}, "F from 0.01 to 4"),
        ({"context": "dnll"}, "Did you mean 'dnl'?"),
        ({"fused_stages": ()}, "does not apply to a variant without fused stages"),
        ({"module_width": None}, "module_width is missing"),
        ({"module_width": "0.5x"}, "neither channels nor xF"),
        ({"fusion_conv": "none"}, "does not apply to a concatenation without a convolution"),
        ({"fused_stages": (4,), "unify": "max"}, "does not apply to fused stages that are no finer than 1/32"),
        ({"fused_stages": (4,), "fuse": "sum"}, "does not apply to a single fused stage"),
        ({"target_stride": 4}, "not one of 8, 16, 32"),
        ({"transformer_heads": 2}, "does not apply to context 'dnl'"),
        ({"dilation": 2}, "does not apply to context 'dnl'"),
        ({"temperature": 0}, "temperature 0 is not between 0.001 and 100"),
        ({"reduction": 1.5}, "not a whole number"),
        ({"decoder_width": 1}, "decoder_width 1 is not between 8 and 2048"),
        ({"decoder_widht": 64}, "Did you mean 'decoder_width'?"),
        ({"head": "plain", "head_width": 64}, "does not apply to a plain head"),
        (
            {"context": "transformer", "transformer_depth": 1, "transformer_heads": 3, "transformer_ffn_ratio": 2},
            "not a multiple of transformer_heads 3",
        ),
        ({"context": "transformer"}, "transformer_depth is missing"),
    ],
)
def test_nonsense_is_refused_in_words(axes: dict[str, object], words: str) -> None:
    with pytest.raises(VariantError) as refusal:
        make_spec(**{"backbone": "resnet18", "context": "dnl", "module_width": 64} | axes)
    assert words in str(refusal.value)


def test_a_word_that_is_left_out_of_a_name_is_the_default() -> None:
    assert parse_name("resnet18+fpn64").name == "resnet18+fpn64-head32"


@pytest.mark.parametrize("name", ["resnet18", "a+b+c+d", "ddrnet23_slimm"])
def test_bad_name_shows_the_grammar(name: str) -> None:
    with pytest.raises(VariantError, match="does not read as BACKBONE"):
        parse_name(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnet18+smp_unett", "Did you mean 'smp_unet'"),
        ("ddrnet23_slm", "Did you mean 'ddrnet23_slim'"),
        ("frm-van-b2", "Did you mean 'frm-van-b"),
        ("resnet18+frm12-dnl-wide+fpn64-head32", "'wide' is no word of the module"),
        ("resnet18+frm12-dnl-w64-w32+fpn64-head32", "'w32' says again what an earlier word says"),
        ("resnet18+frm12-dnl-w64-heads2+fpn64-head32", "Its words: s32 (target_stride)"),
    ],
)
def test_bad_word_in_a_name_is_pointed_at(name: str, words: str) -> None:
    with pytest.raises(VariantError) as refusal:
        parse_name(name)
    assert words in str(refusal.value)
