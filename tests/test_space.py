"""Axes multiply; what makes no sense is dropped, counted, and says why."""

from pathlib import Path

import pytest

from bench.errors import UserError
from bench.sweep.spacefile import load_space, shipped_spaces
from tests.conftest import TINY_SPACE
from variants.errors import VariantError
from variants.space import expand


def test_product_counts_and_reasons() -> None:
    expansion = expand(
        {
            "backbone": ["resnet18", "lcnet_050"],
            "fused_stages": [[], [4]],
            "context": ["none", "transformer"],
            "module_width": [64, 96],
            "transformer_depth": [1],
            "transformer_heads": [2, 3],
            "transformer_ffn_ratio": [2],
        }
    )
    # per backbone: plain once, fusion of two widths, three transformers: 64 is no multiple of 3
    assert len(expansion.specs) == 2 * (1 + 2 + 3)
    assert expansion.combinations == 2 * 2 * 2 * 2 * 2
    assert sum(expansion.dropped.values()) == expansion.combinations - len(expansion.specs)
    assert any("not a multiple of transformer_heads 3" in reason for reason in expansion.dropped)
    assert any("do not apply to context 'none'" in reason for reason in expansion.dropped)


def test_unknown_axis_is_refused() -> None:
    with pytest.raises(VariantError, match="Did you mean 'context'"):
        expand({"backbone": ["resnet18"], "contxt": ["dnl"]})


def test_space_without_a_network_says_why() -> None:
    with pytest.raises(VariantError, match="none of 1 combinations"):
        expand({"backbone": ["resnet18"], "context": ["dnl"]})


@pytest.mark.parametrize(
    ("axis", "values", "words"),
    [
        ("fused_stages", [1, 2, 3, 4], "lists of stages"),
        ("fused_stages", [None], "lists of stages"),
        ("context", [["dnl"]], "plain values"),
        ("module_width", [], "has no value"),
    ],
)
def test_axis_of_the_wrong_shape_is_refused(axis: str, values: list[object], words: str) -> None:
    with pytest.raises(VariantError, match=words):
        expand({"backbone": ["resnet18"], axis: values})


@pytest.mark.parametrize("name", sorted(shipped_spaces()))
def test_shipped_spaces_load(name: str) -> None:
    assert load_space(name).specs


def test_quick_covers_eight_variants_of_three_backbones() -> None:
    specs = load_space("quick").specs
    assert len(specs) >= 8
    assert len({spec.backbone for spec in specs}) >= 3


def test_variants_can_be_listed_beside_the_axes(tmp_path: Path) -> None:
    path = tmp_path / "listed.yaml"
    path.write_text(TINY_SPACE + "variants: [resnet18+fpn64-head32, lcnet_050+fpn8-head8]\n")
    space = load_space(str(path))
    names = [spec.name for spec in space.specs]
    assert space.expansion.dropped["listed, but there already"] == 1
    assert names.count("lcnet_050+fpn8-head8") == 1
    assert names[-1] == "resnet18+fpn64-head32"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("axes: [", "is not YAML"),
        ("- a", "is not a mapping"),
        (TINY_SPACE + "extra: 1\n", "extra"),
        (TINY_SPACE.replace("iterations: 5", "iterations: 1"), "latency.iterations"),
        (TINY_SPACE.replace("context: [dnl]", "context: [dnl, dln]"), "Did you mean 'dnl'?"),
        (TINY_SPACE.replace("[3, 4]", "[3, 5]"), "not ascending stages"),
        (TINY_SPACE.replace("module_width: [16]", "module_width: [-3]"), "greater than or equal to 8"),
        (TINY_SPACE.replace("context: [dnl]", "context: [dnl, transformer]"), "transformer_depth is missing"),
        (TINY_SPACE.replace("axes:", "axis:"), "axis"),
        ("accuracy: {data: {name: streets}}", "neither axes nor variants"),
        (TINY_SPACE.replace("epochs: 2", "scale: [0.5, 1]"), "scale needs a crop"),
        (TINY_SPACE.replace("size: [128, 64]", "size: [-5, 0]"), "cost.size.0"),
        (TINY_SPACE + "  seeds: [0, 0]\n", "hold one twice"),
    ],
)
def test_broken_space_file_is_refused_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as refusal:
        load_space(str(path))
    assert words in str(refusal.value)
    assert str(path) in str(refusal.value)


def test_unknown_space_suggests() -> None:
    with pytest.raises(UserError, match="Did you mean 'camvid'"):
        load_space("camvit")
