"""Axes multiply; what makes no sense is dropped, counted, and says why."""

from pathlib import Path
from typing import Any

import pytest

from bench.accuracy.recipes import about_recipe, shipped_recipes
from bench.errors import UserError
from bench.settings.schedule import Schedule
from bench.storage.store import Store
from bench.sweep.prepare import prepare
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


def test_axes_that_change_nothing_make_no_second_variant() -> None:
    expansion = expand(
        {
            "backbone": ["resnet18"],
            "context": ["dnl"],
            "module_width": [64],
            "fused_stages": [[4], [3, 4]],
            "unify": ["avg", "max", "conv"],
            "fuse": ["concat", "sum", "gated"],
        }
    )
    # F4 alone: nothing to pool and nothing to sum
    assert len(expansion.specs) == 1 + 3 * 3
    assert any("fuse does not apply to a single fused stage" in reason for reason in expansion.dropped)
    assert any("unify does not apply to fused stages that are no finer" in reason for reason in expansion.dropped)


def test_networks_multiply_with_backbones_where_they_take_one() -> None:
    expansion = expand({"network": ["frm", "smp_unet", "ddrnet23_slim"], "backbone": ["a", "b"], "fused_stages": [[]]})
    assert [spec.name for spec in expansion.specs] == [
        "a+fpn64-head32",
        "b+fpn64-head32",
        "a+smp_unet",
        "b+smp_unet",
        "ddrnet23_slim",
    ]
    assert any("backbone does not apply to network 'ddrnet23_slim'" in reason for reason in expansion.dropped)


def test_a_condition_keeps_an_axis_to_some_combinations() -> None:
    expansion = expand(
        {
            "backbone": ["resnet18"],
            "module_width": [64],
            "context": ["dnl", "nonlocal", "transformer"],
            "reduction": {"values": [1, 2, 4], "when": {"context": "dnl"}},
            "transformer_depth": [1],
            "transformer_heads": [2, 4],
            "transformer_ffn_ratio": [2],
        }
    )
    by_context = [spec.context for spec in expansion.specs]
    assert [by_context.count(context) for context in ("dnl", "nonlocal", "transformer")] == [3, 1, 2]
    assert {spec.axes.get("reduction") for spec in expansion.specs if spec.context == "nonlocal"} == {2}
    assert any("reduction is left out by its condition" in reason for reason in expansion.dropped)
    assert sum(expansion.dropped.values()) == expansion.combinations - len(expansion.specs)


def names_of(axes: dict[str, Any]) -> list[str]:
    return [spec.name for spec in expand({"backbone": ["resnet18"], "module_width": [64]} | axes).specs]


@pytest.mark.parametrize(
    "when",
    [
        {"temperature": 0.05},
        {"reduction": 2},
        {"fused_stages": [1, 2, 3, 4]},
        {"fused_stages": [[4], [1, 2, 3, 4]]},
        {"context": ["dnl", "ppm"], "head": "sum"},
        {"module_width": 64},
    ],
)
def test_a_condition_sees_the_values_of_the_variant_and_its_defaults(when: dict[str, Any]) -> None:
    widths = {"decoder_width": {"values": [32, 128], "when": when}}
    assert names_of(widths) == [f"resnet18+frm1234-dnl-w64+fpn{width}-head32" for width in (32, 128)]


def test_an_axis_that_does_not_apply_or_is_left_out_meets_no_condition() -> None:
    plain = {"fused_stages": [[], [3, 4]], "decoder_width": {"values": [32, 128], "when": {"context": "dnl"}}}
    assert names_of(plain) == [
        "resnet18+fpn64-head32",
        "resnet18+frm34-dnl-w64+fpn32-head32",
        "resnet18+frm34-dnl-w64+fpn128-head32",
    ]
    chained = {
        "context": ["dnl", "nonlocal"],
        "reduction": {"values": [4], "when": {"context": "dnl"}},
        "head_width": {"values": [16], "when": {"reduction": 4}},
    }
    assert names_of(chained) == [
        "resnet18+frm1234-dnl-w64-r4+fpn64-head16",
        "resnet18+frm1234-nonlocal-w64+fpn64-head32",
    ]


def test_a_needed_axis_may_have_a_condition() -> None:
    needed = {
        axis: {"values": [2], "when": {"context": "transformer"}}
        for axis in ("transformer_depth", "transformer_heads", "transformer_ffn_ratio")
    }
    assert names_of({"context": ["dnl", "transformer"]} | needed) == [
        "resnet18+frm1234-dnl-w64+fpn64-head32",
        "resnet18+frm1234-transformer-w64-depth2-heads2-ffn2+fpn64-head32",
    ]


def test_unknown_axis_is_refused() -> None:
    with pytest.raises(VariantError, match="Did you mean 'context'"):
        expand({"backbone": ["resnet18"], "contxt": ["dnl"]})


def test_space_without_a_network_says_why() -> None:
    with pytest.raises(VariantError, match=r"none of 1 combinations.*module_width is missing"):
        expand({"backbone": ["resnet18"], "context": ["dnl"]})


@pytest.mark.parametrize(
    ("axis", "values", "words"),
    [
        ("fused_stages", [1, 2, 3, 4], "lists of stages"),
        ("fused_stages", [None], "lists of stages"),
        ("context", [["dnl"]], "plain values"),
        ("module_width", [], "has no value"),
        ("module_width", 64, r"give a list, such as \[64\]"),
        ("module_width", {"vals": [64]}, "when"),
        ("module_width", {"values": [64], "when": {"contxt": "dnl"}}, "Did you mean 'context'"),
        ("reduction", [2, 0], "reduction 0 is not between 1 and 64"),
        ("transformer_depth", ["banana"], "transformer_depth 'banana' is not a whole number"),
        ("transformer_depth", [2], "serves in no combination: it does not apply to context 'dnl'"),
        ("reduction", {"values": [4], "when": {"context": "dnll"}}, "Did you mean 'dnl'"),
        ("reduction", {"values": [4], "when": {"context": "ppm"}}, "none meets its condition"),
        ("reduction", {"values": [4], "when": {"reduction": 2}}, "condition on itself"),
        ("reduction", {"when": {"context": "dnl"}}, "values"),
    ],
)
def test_axis_of_the_wrong_shape_is_refused(axis: str, values: Any, words: str) -> None:
    with pytest.raises(VariantError, match=words):
        expand({"backbone": ["resnet18"], "module_width": [64], axis: values})


@pytest.mark.parametrize("name", sorted(shipped_spaces()))
def test_shipped_spaces_load(name: str) -> None:
    assert load_space(name).specs


def test_quick_covers_eight_variants_of_three_backbones() -> None:
    specs = load_space("quick").specs
    assert len(specs) >= 8
    assert len({spec.backbone for spec in specs}) >= 3


def test_variants_can_be_listed_beside_the_axes(tmp_path: Path) -> None:
    path = tmp_path / "listed.yaml"
    path.write_text(TINY_SPACE + "variants: [resnet18+fpn64-head32, lcnet_050+fpn8-head8, frm-van-b0, bisenetv2]\n")
    space = load_space(str(path))
    names = [spec.name for spec in space.specs]
    assert space.expansion.dropped["listed, but there already"] == 1
    assert names.count("lcnet_050+fpn8-head8") == 1
    assert names[-3:] == ["resnet18+fpn64-head32", "van_b0+frm1234-dnl-3x3conv-wx1-r1+fpn256-head128", "bisenetv2"]


def test_several_products_are_measured_together(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(
        TINY_SPACE.replace("axes:\n", "axes:\n- network: [smp_unet]\n  backbone: [lcnet_050]\n- ", 1).replace(
            "-   backbone", "- backbone"
        )
    )
    space = load_space(str(path))
    assert [spec.name for spec in space.specs][:2] == ["lcnet_050+smp_unet", "mobilenetv3_small_050+fpn8-head8"]
    assert len(space.specs) == 1 + 4


BROKEN = [
    ("axes: [", 1, "is not YAML"),
    ("- a", 0, "is not a mapping"),
    ("about: 2024-02-30\n" + TINY_SPACE, 1, "'2024-02-30' is no timestamp"),
    (TINY_SPACE + "extra: 1\n", 14, "extra is not a key here"),
    (TINY_SPACE.replace("samples: 10", "samples: 1"), 10, "latency.samples"),
    (TINY_SPACE.replace("samples: 10", "iterations: 10"), 10, "iterations is not a key here"),
    (TINY_SPACE.replace("samples: 10", "scope: whole"), 10, "latency.scope"),
    (TINY_SPACE.replace("samples: 10", "runtimes: [onnx]"), 10, "latency.runtimes.0"),
    (TINY_SPACE.replace("samples: 10", "runtimes: [eager, cudagraph]"), 10, "'cudagraph' does not run on cpu; there: "),
    (TINY_SPACE.replace("restarts", "restart"), 10, "Did you mean 'restarts'?"),
    (TINY_SPACE.replace("epochs", "epoch"), 13, "Did you mean 'epochs'?"),
    (TINY_SPACE.replace("context: [dnl]", "context: [dnl, dln]"), 5, "Did you mean 'dnl'?"),
    (TINY_SPACE.replace("context:", "contxt:"), 5, "Did you mean 'context'?"),
    (TINY_SPACE.replace("[3, 4]", "[3, 5]"), 4, "not ascending stages"),
    (TINY_SPACE.replace("module_width: [16]", "module_width: [-3]"), 6, "-3 is not between 8 and 2048"),
    (TINY_SPACE.replace("context: [dnl]", "context: [dnl, transformer]"), 5, "transformer_depth is missing"),
    (TINY_SPACE.replace("axes:", "axis:"), 2, "Did you mean 'axes'?"),
    (TINY_SPACE.replace("  context", "  module_width: [8]\n  context"), 7, "stands here and in line 5"),
    (TINY_SPACE + "variants:\n- lcnet_050+fpn8-head8\n- lcnet_050+frm9+fpn8\n", 16, "does not read as"),
    ("accuracy: {data: {name: streets}}", 0, "neither axes nor variants"),
    (TINY_SPACE.replace("epochs: 2", "scale: [0.5, 1]"), 13, "scale needs a crop"),
    (
        TINY_SPACE.replace("epochs: 2,", "epochs: 2,\n    power: 0.5,"),
        14,
        "power: 0.5 is of policy poly, and this one is one_cycle",
    ),
    (TINY_SPACE.replace("size: [128, 64]", "size: [-5, 0]"), 9, "cost.size.0"),
    (TINY_SPACE + "  seeds: [0, 0]\n", 14, "hold one twice"),
    (TINY_SPACE.replace("context: [dnl]", "context: [none, dnl]\n  norm: [batchh]"), 6, "Did you mean 'batch'?"),
    (TINY_SPACE.replace("[dnl]", "\n    values: [dnl]\n    when: {contxt: dnl}"), 7, "Did you mean 'context'?"),
    (TINY_SPACE.replace("[dnl]", "\n    values:\n    - dnl\n    - dln"), 8, "Did you mean 'dnl'?"),
    (TINY_SPACE + "about: &a [*a]\n", 14, "stands inside itself"),
    (TINY_SPACE.replace("{size: [128, 64]}", "5"), 9, "cost should be a mapping of keys (got 5)"),
    (TINY_SPACE + "variants: foo\n", 14, "variants should be a list (got 'foo')"),
    ("axes: foo", 1, "axes should be a mapping of keys or a list (got 'foo')"),
    ("axes:\n- {backbone: [resnet18]}\n- 5", 3, "axes.1 should be a mapping of keys (got 5)"),
    (TINY_SPACE.replace("epochs: 2", "epochs: many"), 13, "epochs should be a whole number (got 'many')"),
    ("axes: {backbone: [resnet18]}", 1, "accuracy is missing"),
]


@pytest.mark.parametrize(("text", "line", "words"), BROKEN)
def test_broken_space_file_is_refused_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as refusal:
        load_space(str(path))
    assert words in str(refusal.value)
    assert str(refusal.value).startswith(f"{path}:{line}" if line else str(path))


def test_unknown_space_suggests() -> None:
    with pytest.raises(UserError, match="Did you mean 'camvid'"):
        load_space("camvit")


_LISTED = "variants: [lcnet_050+fpn8-head8, lcnet_50+fpn8-head8]"
REFUSED_BEFORE_WORK = [
    ("lcnet_050]", "lcnet_05]", 3, "Did you mean 'lcnet_"),
    ("name: tiny", f"name: tiny\n{_LISTED}", 2, "Did you mean 'lcnet_"),
    ("name: streets", "name: street", 12, "Did you mean 'streets'?"),
    ("options: {width: 96,", "options: {\n    width: 96,\n    hight: 3,", 14, "Did you mean 'height'?"),
    ("width: 96", "width: 3", 12, "a whole number from 64 up"),
    ("batch_size: 4", "batch_size: 9", 13, "a batch of 9 is more than the 8 training images"),
    (
        "batch_size: 4",
        "batch_size: 4, crop: [128, 80]",
        13,
        "crops of 128x80 are larger than every training image, 96x64",
    ),
    *(
        (
            "accuracy:",
            f"accuracy:\n  evaluation:\n    mode: sliding\n    window: {window}\n    scales: {scales}",
            14,
            f"hold every image whole, {largest} at the largest scale: nothing would slide",
        )
        for window, scales, largest in (
            ("[1024, 512]", "[1]", "96x64"),
            ("[96, 64]", "[0.5, 1]", "96x64"),
            ("[192, 128]", "[1, 2]", "192x128"),
        )
    ),
]


@pytest.mark.parametrize(("found", "put", "line", "words"), REFUSED_BEFORE_WORK)
def test_what_only_a_look_at_data_and_networks_shows_is_refused_with_its_line(
    tmp_path: Path, found: str, put: str, line: int, words: str
) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(TINY_SPACE.replace(found, put, 1))
    with pytest.raises(UserError) as refusal:
        prepare(load_space(str(path)), Store(tmp_path / "results"), None, None)
    assert words in str(refusal.value)
    assert str(refusal.value).startswith(f"{path}:{line}:")


@pytest.mark.parametrize("evaluation", ["window: [64, 64]", "window: [128, 32]", "window: [96, 64], scales: [1, 1.5]"])
def test_windows_that_some_image_reaches_beyond_are_taken(tmp_path: Path, evaluation: str) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(TINY_SPACE.replace("accuracy:", f"accuracy:\n  evaluation: {{mode: sliding, {evaluation}}}"))
    assert prepare(load_space(str(path)), Store(tmp_path / "results"), None, None).todo


def test_a_power_is_taken_with_its_policy_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("policy: poly\npower: 0.5\n")
    own = "  schedule: {epochs: 5}\n"
    assert load_space(str(space_with_recipe(tmp_path, "mine.yaml", own))).accuracy.schedule.power == 0.5
    other = "  schedule: {epochs: 5, policy: one_cycle}\n"
    assert load_space(str(space_with_recipe(tmp_path, "mine.yaml", other))).accuracy.schedule.policy == "one_cycle"
    (tmp_path / "mine.yaml").write_text("epochs: 3\npower: 0.5\n")
    with pytest.raises(UserError, match=r"power: 0\.5 is of policy poly, and this one is one_cycle"):
        load_space(str(space_with_recipe(tmp_path, "mine.yaml", own)))
    with_policy = "  schedule: {policy: poly}\n"
    assert load_space(str(space_with_recipe(tmp_path, "mine.yaml", with_policy))).accuracy.schedule.power == 0.5
    assert Schedule.model_validate(Schedule().model_dump(mode="json")) == Schedule()


def test_heads_that_do_not_divide_a_concatenation_are_dropped() -> None:
    expansion = expand(
        {
            "backbone": ["resnet18"],
            "context": ["transformer"],
            "fused_stages": [[1, 2, 3, 4], [4]],
            "fusion_conv": ["none"],
            "transformer_heads": [2, 3],
            "transformer_depth": [1],
            "transformer_ffn_ratio": [2],
        }
    )
    # ResNet-18: 64 + 128 + 256 + 512 = 960 channels together, 512 in F4 alone, which 3 does not divide
    found = [(spec.fused_stages, spec.context_options["transformer_heads"]) for spec in expansion.specs]
    assert found == [((1, 2, 3, 4), 2), ((1, 2, 3, 4), 3), ((4,), 2)]
    assert [reason[:16] for reason in expansion.dropped] == ["the 512 channels"]


def space_with_recipe(folder: Path, recipe: str, own: str = "") -> Path:
    path = folder / "own.yaml"
    path.write_text(
        f"variants: [resnet18+fpn64-head32]\naccuracy:\n  data: {{name: streets}}\n  recipe: {recipe}\n{own}"
    )
    return path


def test_a_recipe_gives_the_schedule_and_the_space_changes_it_in_part(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("epochs: 3\nlearning_rate: 0.01\nema: 0.9\n")
    space = load_space(str(space_with_recipe(tmp_path, "mine.yaml", "  schedule: {epochs: 5}\n")))
    assert space.accuracy.schedule == Schedule(epochs=5, learning_rate=0.01, ema=0.9)
    for name, path in shipped_recipes().items():
        assert load_space(str(space_with_recipe(tmp_path, name))).accuracy.schedule != Schedule()
        assert about_recipe(path)


def test_a_recipe_that_does_not_fit_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("epochs: 3\nlearning_rat: 0.01\n")
    with pytest.raises(UserError, match=r"own\.yaml:4: .*mine\.yaml:2: learning_rat is not a key.*learning_rate"):
        load_space(str(space_with_recipe(tmp_path, "mine.yaml")))
    with pytest.raises(UserError, match=r"own\.yaml:4: recipe 'finetun' is neither.*Did you mean 'finetune'"):
        load_space(str(space_with_recipe(tmp_path, "finetun")))
