"""A package from outside adds a context block and a backbone, without a line changed here."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from bench.store import Store
from tests.conftest import TINY_SPACE, bench_command, bench_environment

BLOCKS = '''
from torch import nn
from variants.axes import Number
from variants.context import ContextEntry


class Shift(nn.Module):
    """x plus itself, moved along the rows."""

    def __init__(self, width, shift_size):
        super().__init__()
        self.shift_size = shift_size
        self.mix = nn.Conv2d(width, width, 1)

    def forward(self, x):
        return x + self.mix(x.roll(self.shift_size, dims=2))


ENTRY = ContextEntry(
    "outside.blocks", "Shift", "adds the shifted map",
    (Number(name="shift_size", tag="shift", default=1, low=1, high=9, summary="rows to move"),),
)
'''
BACKBONE = '''
from torch import nn
from variants.backbones import BackboneEntry
from variants.backbones.contract import Backbone


class Strided(Backbone):
    """Four strided convolutions."""

    def __init__(self):
        super().__init__((8, 8, 16, 16), (0.5,) * 3, (0.5,) * 3)
        self.stages = nn.ModuleList([
            nn.Conv2d(3, 8, 7, stride=4, padding=3), nn.Conv2d(8, 8, 3, stride=2, padding=1),
            nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.Conv2d(16, 16, 3, stride=2, padding=1),
        ])

    def forward(self, image):
        maps = []
        for stage in self.stages:
            image = stage(image)
            maps.append(image)
        return maps


def build(name, pretrained, weights_dir):
    return Strided()


ENTRY = BackboneEntry("outside.backbone", "build", "four strided convolutions")
'''
ENTRY_POINTS = """
[segmentation_bench.contexts]
shift = outside.blocks:ENTRY
broken = outside.nowhere:ENTRY

[segmentation_bench.backbones]
strided = outside.backbone:ENTRY
"""
SPACE = TINY_SPACE.replace("[mobilenetv3_small_050, lcnet_050]", "[strided]").replace(
    "context: [dnl]", "context: [shift]\n  shift_size: [1, 3]"
)


@pytest.fixture
def bench_with_outside(tmp_path: Path):  # type: ignore[no-untyped-def]
    """`bench` where a package is installed that offers blocks."""
    site = tmp_path / "site"
    package, metadata = site / "outside", site / "outside-1.0.dist-info"
    for folder in (package, metadata):
        folder.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "blocks.py").write_text(BLOCKS)
    (package / "backbone.py").write_text(BACKBONE)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    environment = bench_environment()
    environment["PYTHONPATH"] += f"{os.pathsep}{site}"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            bench_command(*arguments), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
            timeout=240,
        )  # fmt: skip

    return run


def test_a_sweep_measures_what_a_package_adds(bench_with_outside, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    space = tmp_path / "tiny.yaml"
    space.write_text(SPACE)
    done = bench_with_outside("sweep", str(space))
    assert done.returncode == 0, done.stderr
    records = Store(tmp_path / "results").read("tiny")
    assert {r.variant for r in records} == {
        "strided+fpn8-head8",
        "strided+frm34-shift-w16+fpn8-head8",
        "strided+frm34-shift-w16-shift3+fpn8-head8",
    }
    assert all(r.status == "ok" for r in records)
    assert {r.spec.get("shift_size") for r in records} == {None, 1, 3}


def test_it_is_listed_named_and_in_the_schema(bench_with_outside) -> None:  # type: ignore[no-untyped-def]
    listed = json.loads(bench_with_outside("list", "contexts", "--json").stdout)
    assert "shift_size" in listed["contexts"]["shift"]
    assert "CANNOT BE LOADED" in listed["contexts"]["broken"]
    assert "outside.nowhere" in listed["contexts"]["broken"]
    assert (
        "four strided" in json.loads(bench_with_outside("list", "backbones", "--json").stdout)["backbones"]["strided"]
    )
    schema = json.loads(bench_with_outside("schema").stdout)
    assert "shift_size" in schema["$defs"]["Axes"]["properties"]
    cost = bench_with_outside("cost", "strided+frm1234-shift-w16-shift2+fpn8-head8", "--size", "64x64")
    assert cost.returncode == 0, cost.stderr


CLASHING = BLOCKS.replace('name="shift_size", tag="shift"', 'name="decoder_width", tag="x"')


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (CLASHING, "is taken or empty"),
        (BLOCKS.replace('tag="shift"', 'tag="w"'), "is taken or empty"),
        (BLOCKS.replace("low=1", "low=-3"), "cannot be read back"),
    ],
)
def test_a_block_whose_names_could_not_be_read_back_is_set_aside(  # type: ignore[no-untyped-def]
    bench_with_outside, tmp_path: Path, source: str, reason: str
) -> None:
    (tmp_path / "site" / "outside" / "blocks.py").write_text(source)
    listed = json.loads(bench_with_outside("list", "contexts", "--json").stdout)
    assert "CANNOT BE LOADED" in listed["contexts"]["shift"]
    assert reason in listed["contexts"]["shift"]


def test_an_edit_anywhere_in_the_package_measures_again(bench_with_outside, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Also behind relative imports, in a package below the top one, and in what its `__init__` brings."""
    package = tmp_path / "site" / "outside"
    (package / "deep").mkdir()
    (package / "deep" / "__init__.py").write_text("from .impl import ENTRY, Shift\n")
    moved = BLOCKS.replace('"outside.blocks"', '"outside.deep"').replace("x.roll", "turn(x)")
    moved = moved.replace("turn(x)(", "turn(x, ").replace("\nfrom torch", "\nfrom ..helper import turn\nfrom torch", 1)
    (package / "deep" / "impl.py").write_text(moved)
    entry_points = tmp_path / "site" / "outside-1.0.dist-info" / "entry_points.txt"
    entry_points.write_text(ENTRY_POINTS.replace("outside.blocks:ENTRY", "outside.deep:ENTRY"))
    space = tmp_path / "tiny.yaml"
    space.write_text(SPACE.replace("accuracy:", "latency: null\naccuracy:").replace("latency: {", "about: x #"))
    helper = "def turn(x, rows, dims):\n    return x.roll(rows, dims=dims){}\n"
    (package / "helper.py").write_text(helper.format(""))
    assert bench_with_outside("sweep", str(space)).returncode == 0
    (package / "helper.py").write_text(helper.format(" * 2"))
    said = bench_with_outside("sweep", str(space), "--dry-run").stderr
    assert "to measure: 2 cost, 2 accuracy; 2 done before" in said  # the plain FPN has nothing of the block


def test_a_block_that_cannot_be_loaded_says_why(bench_with_outside) -> None:  # type: ignore[no-untyped-def]
    done = bench_with_outside("cost", "strided+frm34-broken-w16+fpn8-head8")
    assert done.returncode == 2
    assert "outside.nowhere" in done.stderr
    assert "Traceback" not in done.stderr
