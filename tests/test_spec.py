"""A spec has one name, one hash, and refuses what makes no network."""

import pytest
from pydantic import ValidationError

from variants.errors import VariantError
from variants.names import parse_name
from variants.spec import make_spec

NAMES = [
    "mobilenetv2_100+fpn64-head32",
    "resnet18+frm1234-dnl-w128+fpn64-head32",
    "resnet18.a1_in1k+frm34-none-w64+fpn128-head64",
    "mobilenetv2_100@pad_type=same,mean=0.5+frm4-nonlocal-w32+fpn64-head32",
    "lcnet_050+frm24-transformer-w64-depth2-heads4-ffn3+fpn64-head32",
]


@pytest.mark.parametrize("name", NAMES)
def test_name_reads_back(name: str) -> None:
    spec = parse_name(name)
    assert spec.name == name
    assert parse_name(spec.name) == spec


def test_hash_tells_specs_apart_and_is_stable() -> None:
    hashes = {parse_name(name).content_hash for name in NAMES}
    assert len(hashes) == len(NAMES)
    # Pinned: a change of this value orphans every committed record.
    assert parse_name(NAMES[1]).content_hash == "9120eb83258b"


def test_spec_is_frozen() -> None:
    with pytest.raises(ValidationError):
        parse_name(NAMES[0]).decoder_width = 8  # type: ignore[misc]


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ({"backbone": "a b"}, "'a b' is not NAME"),
        ({"fused_stages": (5,)}, "not ascending stages"),
        ({"fused_stages": (4, 3)}, "not ascending stages"),
        ({"context": "dnll"}, "Did you mean 'dnl'?"),
        ({"fused_stages": ()}, "needs at least one fused stage"),
        ({"module_width": None}, "module_width is missing"),
        ({"transformer_heads": 2}, "does not apply to context 'dnl'"),
        ({"decoder_width": 1}, "greater than or equal to 8 (got 1)"),
        ({"decoder_widht": 64}, "Did you mean 'decoder_width'?"),
        (
            {"context": "transformer", "transformer_depth": 1, "transformer_heads": 3, "transformer_ffn_ratio": 2},
            "not a multiple of transformer_heads 3",
        ),
    ],
)
def test_nonsense_is_refused_in_words(axes: dict[str, object], words: str) -> None:
    with pytest.raises(VariantError) as refusal:
        make_spec(**{"backbone": "resnet18", "context": "dnl", "module_width": 64} | axes)
    assert words in str(refusal.value)


@pytest.mark.parametrize("name", ["resnet18", "resnet18+fpn64", "resnet18+frm9-dnl-w8+fpn64-head32", "a+b+c+d"])
def test_bad_name_shows_the_grammar(name: str) -> None:
    with pytest.raises(VariantError, match="does not read as BACKBONE"):
        parse_name(name)
