"""Names of variants: what is valid comes back, anything else is refused in words."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.fuzz.profiles import examples
from tests.fuzz.strategies import LONG, ODD_TEXT, edited_text, joined, typed_numbers, typed_text
from tests.fuzz.variants import specs
from variants.errors import VariantError
from variants.names import parse_name
from variants.presets import PRESETS
from variants.spec import VariantSpec, known_axes

VALID_NAMES = (
    "mobilenetv2_100+fpn64-head32",
    "resnet18+frm34-dnl-s16-maxpool-w128-r4+fpn64-concathead-head32",
    "lcnet_050@pad_type=same+frm1234-transformer-wx0.5-depth1-heads2-ffn2+fpn8-plainhead",
    "resnet18+smp_unet",
    "ddrnet23_slim",
    *PRESETS,
)
WORDS = (
    "+",
    "-",
    "@",
    "=",
    ",",
    "x",
    "frm",
    "frm4321",
    "dnl",
    "none",
    "transformer",
    "s16",
    "w128",
    "wx0.5",
    "t0.05",
    "r2",
    "fpn64",
    "head32",
    "plainhead",
    "noneconv",
    "1x1conv",
    "batchnorm",
    "everylevel",
    "smp_unet",
    "@pad_type=same",
)
numbered_words = joined(st.sampled_from([axis.tag for axis in known_axes().values()]), typed_numbers)
typed_names = joined(
    st.sampled_from(("resnet18", "resnet18+frm34-dnl-w64", "resnet18+frm34-dnl")),
    st.lists(joined(st.sampled_from("+-"), numbered_words | st.sampled_from(WORDS)), max_size=4).map("".join),
)


@pytest.mark.slow
@examples(200)
@given(specs())
def test_a_valid_spec_comes_back_from_its_name(spec: VariantSpec) -> None:
    assert parse_name(spec.name) == spec


@pytest.mark.slow
@examples(600)
@given(typed_text | typed_names | edited_text(VALID_NAMES, WORDS + ODD_TEXT))
@example(f"resnet18+fpn{LONG}-head32")
@example(f"resnet18+frm34-dnl-s{LONG}-w64+fpn64-head32")
@example(f"resnet18+frm34-dnl-w{LONG}+fpn64-head32")
def test_a_typed_name_is_a_spec_that_comes_back_or_is_refused(text: str) -> None:
    try:
        spec = parse_name(text)
    except VariantError:
        return
    assert parse_name(spec.name) == spec
