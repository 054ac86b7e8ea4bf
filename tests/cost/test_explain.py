"""`bench explain`: the parts add up to the whole and say what the variant has; the picture shows that and no more."""

import itertools
import json
import re
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from click.testing import CliRunner
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Text
from matplotlib.transforms import BboxBase

from bench.cli import cli
from bench.cost.breakdown import explain
from bench.cost.explanation import Explanation, Part
from bench.cost.parameters import count_parameters
from bench.errors import UserError
from bench.render.diagram.drawing import draw_diagram, save_diagram
from bench.render.diagram.info import diagram_info
from tests.conftest import PROJECT, RunBench
from variants.context import CONTEXTS
from variants.names import parse_name
from variants.network import build
from variants.networks import NETWORKS

SPEC = "lcnet_050+frm34-dnl-w16+fpn16-head8"
_TRANSFORMER = "transformer-w16-depth1-heads2-ffn2"
_CONTEXTS = [f"lcnet_050+frm1234-{_TRANSFORMER if c == 'transformer' else f'{c}-w16'}+fpn16-head8" for c in CONTEXTS]
_AXES = [
    "resnet18+fpn16-plainhead",
    "lcnet_050+frm24-dnl-s16-maxpool-sumfusion-w16+fpn16-concathead-head8",
    "lcnet_050+frm123-dnl-convpool-gatedfusion-3x3conv-w16-everylevel+fpn16-head8",
    "lcnet_050+frm1234-channel-s8-noneconv+fpn16-plainhead",
    "lcnet_050+frm4-none-noneconv+fpn16-head8",
    "van_b0+frm12-aspp-w16+fpn16-head8",
    "pvt_v2_b0+frm34-nonlocal-wx0.5+fpn16-head8",
]
_OTHERS = [f"resnet18+{name}" if NETWORKS[name].takes_backbone else name for name in NETWORKS if name != "frm"]
DRAWN = [
    "mobilenetv2_100+frm1234-dnl-w128+fpn64-head32",
    f"resnet18+frm34-{_TRANSFORMER.replace('w16', 'maxpool-gatedfusion-w128-everylevel')}+fpn64-concathead-head32",
    "mobilenetv4_conv_small_035+frm123-ppm-s16-convpool-wx1+fpn64-head32",
    "resnet50+frm1234-dnl-s8-convpool-wx1-everylevel+fpn64-head32",
    "resnet18+fpn64-plainhead",
    "resnet18+smp_unet",
    "lraspp_mobilenet_v3_large",
    "ddrnet23_slim",
]


@lru_cache
def explained(name: str, width: int = 256, height: int = 128) -> Explanation:
    return explain(parse_name(name), 11, width, height)


def part_of(explanation: Explanation, name: str) -> Part:
    return next(part for part in explanation.parts if part.name == name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*_CONTEXTS, *_AXES, *_OTHERS])
def test_parts_add_up_to_the_network(name: str) -> None:
    with torch.device("meta"):
        net = build(parse_name(name), 11)
    explanation = explained(name)
    assert sum(part.parameters or 0 for part in explanation.parts) == explanation.parameters == count_parameters(net)
    assert sum(part.macs or 0 for part in explanation.parts) == explanation.macs
    names = [part.name for part in explanation.parts]
    assert "rest" not in names
    assert len(set(names)) == len(names)
    for i, part in enumerate(explanation.parts):
        assert part.inputs
        assert set(part.inputs) <= {"image", *names[:i]}
    last = explanation.parts[-1].maps[0]
    assert (last.channels, last.height, last.width) == (11, 128, 256)


def test_every_part_says_what_it_is() -> None:
    explanation = explained(_AXES[2])
    words = {part.name: part.does for part in explanation.parts}
    assert words["unify F1"] == "3 3x3 convs of stride 2 to 1/32"
    assert words["unify F3"] == "3x3 conv of stride 2 to 1/32"
    assert words["fuse"] == "1x1 convs of F1 F2 F3 to 16, each behind a gate, summed, 3x3 conv"
    assert words["context"] == "disentangled non-local block, reduction 2, temperature 0.05, batch norm"
    assert words["re-entry"].startswith("every level: 1x1 conv to 16")
    assert [part_of(explanation, f"P{i}").maps[0].stride for i in (1, 2, 3, 4)] == ["1/4", "1/8", "1/16", "1/32"]
    assert part_of(explanation, "P2").inputs == ("F2", "re-entry", "P3")


def test_f4_that_is_not_fused_is_concatenated() -> None:
    explanation = explained("van_b0+frm12-aspp-s16-w64+fpn16-head8")
    top = part_of(explanation, "re-entry")
    assert top.does == "top: the refined map, pooled to 1/32 and concatenated with F4, takes F4's place"
    assert top.inputs == ("context", "F4")
    assert (top.maps[0].channels, top.maps[0].stride) == (64 + 256, "1/32")


def test_sides_that_are_no_multiple_of_32() -> None:
    explanation = explained(SPEC, 100, 60)
    assert [part_of(explanation, f"F{i}").maps[0].stride for i in (1, 2, 3, 4)] == ["1/4", "1/8", "1/16", "1/32"]


def test_data_flow_of_a_network_from_elsewhere_is_followed() -> None:
    inputs = {part.name: set(part.inputs) for part in explained("ddrnet23_slim").parts}
    assert inputs["high3"] == inputs["low3"] == {"trunk"}
    assert inputs["fusion3"] == {"high3", "low3"}
    assert inputs["head"] == {"high5", "spp"}
    assert [part.inputs for part in explained("resnet18+smp_unet").parts][:2] == [("image",), ("backbone",)]


def test_diagram_has_the_arrows_of_the_fused_stages_only() -> None:
    info = diagram_info(explained(SPEC))
    ends = {(arrow.start, arrow.end) for arrow in info.arrows}
    assert {("F3", "unify F3"), ("F4", "unify F4"), ("context", "re-entry"), ("re-entry", "P4")} <= ends
    assert not {start for start, end in ends if end.startswith("unify")} & {"F1", "F2"}
    assert ("F4", "P4") not in ends
    assert ("F1", "P1") in ends
    plain = {(arrow.start, arrow.end) for arrow in diagram_info(explained("resnet18+fpn16-plainhead")).arrows}
    assert ("F4", "P4") in plain
    assert not [end for _, end in plain if end in ("fuse", "context", "re-entry")]


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAWN)
def test_no_text_overlaps_or_leaves_its_box(name: str) -> None:
    figure = draw_diagram(diagram_info(explained(name, 2048, 1024)))
    texts = [text for text in _found(figure, Text) if text.get_text()]
    extents = [(text.get_text(), text.get_window_extent()) for text in texts]
    for (first, one), (second, other) in itertools.combinations(extents, 2):
        assert not _overlap(one, other), f"{first!r} lies on {second!r}"
    boxes = [patch.get_window_extent() for patch in _found(figure, FancyBboxPatch)]
    for words, extent in extents:
        touched = [box for box in boxes if _overlap(extent, box)]
        assert all(_inside(extent, box) for box in touched), f"{words!r} leaves its box"
        assert _inside(extent, figure.bbox), f"{words!r} leaves the figure"


def _found(figure: Figure, kind: type) -> list:  # type: ignore[type-arg]
    return figure.findobj(lambda artist: type(artist) is kind)


def _overlap(one: BboxBase, other: BboxBase) -> bool:
    """By more than half a pixel."""
    return bool(
        min(one.x1, other.x1) - max(one.x0, other.x0) > 0.5 and min(one.y1, other.y1) - max(one.y0, other.y0) > 0.5
    )


def _inside(inner: BboxBase, outer: BboxBase) -> bool:
    return bool(
        inner.x0 >= outer.x0 and inner.x1 <= outer.x1 and inner.y0 >= outer.y0 - 0.5 and inner.y1 <= outer.y1 + 0.5
    )


def test_svg_is_deterministic_and_names_what_the_variant_has(tmp_path: Path) -> None:
    files = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for file in files:
        save_diagram(diagram_info(explained(SPEC)), file)
    assert files[0].read_bytes() == files[1].read_bytes()
    tree = ElementTree.parse(files[0])
    texts = ["".join(node.itertext()).strip() for node in tree.iter() if node.tag.endswith("}text")]
    assert {SPEC, "unify F3", "unify F4", "fuse", "context", "P1", "head", "lcnet_050"} <= set(texts)
    assert "unify F1" not in texts
    assert any("non-local" in text for text in texts)


def test_command_agrees_with_cost_and_draws(run_bench: RunBench, tmp_path: Path) -> None:
    size = ("--size", "128x64")
    done = run_bench("explain", SPEC, *size, "--json", "--svg", "network.svg")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    cost = json.loads(CliRunner().invoke(cli, ["cost", SPEC, *size, "--json"]).stdout)
    for key in ("variant", "content_hash", "size", "classes", "parameters", "macs"):
        assert data[key] == cost[key]
    assert sum(part["macs"] or 0 for part in data["parts"]) == cost["macs"]
    assert "diagram: network.svg" in done.stderr
    assert ElementTree.parse(tmp_path / "network.svg").getroot().tag.endswith("svg")


@pytest.mark.parametrize("columns", [80, 160])
def test_table_fits_the_terminal(columns: int) -> None:
    done = CliRunner(env={"COLUMNS": str(columns)}).invoke(cli, ["explain", "ddrnet23_slim", "--size", "128x64"])
    assert "GFLOPs at 2 per MAC" in done.stdout
    assert re.search(r"fusion3 +BilateralFusion +64x8x16 +1/8 ", done.stdout)
    assert max(map(len, done.stdout.splitlines())) <= columns


def test_file_that_cannot_be_written_is_a_mistake_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "taken.svg").mkdir()
    with pytest.raises(UserError, match=r"cannot write .*taken\.svg: Is a directory\. Pass --svg FILE"):
        save_diagram(diagram_info(explained(SPEC)), tmp_path / "taken.svg")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--svg", "missing/network.svg"],
            "no folder 'missing' for 'missing/network.svg'. `mkdir -p missing` makes it",
        ),
        (["--svg", "network.jpg"], "does not end in .svg or .png"),
    ],
)
def test_mistakes_are_one_line(run_bench: RunBench, arguments: list[str], words: str) -> None:
    done = run_bench("explain", SPEC, *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_diagram_of_the_docs_is_fresh(tmp_path: Path) -> None:
    explanation = explain(parse_name("mobilenetv2_100+frm1234-dnl-w128+fpn64-head32"), 19, 2048, 1024)
    save_diagram(diagram_info(explanation), tmp_path / "frm.svg")
    assert (tmp_path / "frm.svg").read_text() == (PROJECT / "docs" / "frm.svg").read_text()
