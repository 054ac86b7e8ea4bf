"""A package from outside adds a context block and a backbone, without a line changed here."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from bench.storage.store import Store
from tests.conftest import TINY_SPACE, bench_environment
from tests.warm_start import WarmProcess

pytestmark = pytest.mark.slow
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
SPACE = (
    TINY_SPACE.replace("[mobilenetv3_small_050, lcnet_050]", "[strided]")
    .replace("restarts: 2", "restarts: 1")
    .replace("context: [dnl]", "context: [shift]\n  shift_size: [1, 3]")
)


Ran = subprocess.CompletedProcess[str]


def install(site: Path, entry_points: str = ENTRY_POINTS, **modules: str) -> None:
    """Put a package into a folder of packages, as pip leaves it there."""
    package, metadata = site / "outside", site / "outside-1.0.dist-info"
    for folder in (package, metadata):
        folder.mkdir(parents=True)
    for name, source in {"__init__": "", "blocks": BLOCKS, "backbone": BACKBONE, **modules}.items():
        (package / f"{name}.py").write_text(source)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(entry_points)


def run(folder: Path, *command: str) -> Ran:
    """Run `bench` in a folder, in a process that finds what is installed in its `site`."""
    environment = bench_environment()
    environment["PYTHONPATH"] += f"{os.pathsep}{folder / 'site'}"
    process = WarmProcess([*command], folder, environment)
    output, errors = process.communicate(timeout=240)
    return subprocess.CompletedProcess(command, process.wait(), output, errors)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a package is installed that offers blocks."""
    folder = tmp_path_factory.mktemp("outside")
    install(folder / "site")
    (folder / "tiny.yaml").write_text(SPACE)
    return folder


def test_a_sweep_measures_what_a_package_adds(folder: Path) -> None:
    done = run(folder, "sweep", "tiny.yaml")
    assert done.returncode == 0, done.stderr
    records = Store(folder / "results").read("tiny")
    assert {r.variant for r in records} == {
        "strided+fpn8-head8",
        "strided+frm34-shift-w16+fpn8-head8",
        "strided+frm34-shift-w16-shift3+fpn8-head8",
    }
    assert all(r.status == "ok" for r in records)
    assert {r.spec.get("shift_size") for r in records} == {None, 1, 3}


def test_it_is_listed_named_and_in_the_schema(folder: Path) -> None:
    listed = json.loads(run(folder, "list", "contexts", "--json").stdout)
    assert "shift_size" in listed["contexts"]["shift"]
    assert "CANNOT BE LOADED" in listed["contexts"]["broken"]
    assert "outside.nowhere" in listed["contexts"]["broken"]
    backbones = json.loads(run(folder, "list", "backbones", "--json").stdout)["backbones"]
    assert "four strided" in backbones["strided"]
    assert "shift_size" in json.loads(run(folder, "schema").stdout)["$defs"]["Axes"]["properties"]
    cost = run(folder, "cost", "strided+frm1234-shift-w16-shift2+fpn8-head8", "--size", "64x64")
    assert cost.returncode == 0, cost.stderr


def test_a_block_that_cannot_be_loaded_says_why(folder: Path) -> None:
    done = run(folder, "cost", "strided+frm34-broken-w16+fpn8-head8")
    assert done.returncode == 2
    assert "outside.nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_block_whose_names_could_not_be_read_back_is_set_aside(tmp_path: Path) -> None:
    """Each for itself: one that is fit beside them is there."""
    unfit = {
        "clashing": (
            BLOCKS.replace('name="shift_size", tag="shift"', 'name="decoder_width", tag="x"'),
            "is taken or empty",
        ),
        "taken": (BLOCKS.replace('tag="shift"', 'tag="w"'), "is taken or empty"),
        "negative": (BLOCKS.replace("low=1", "low=-3"), "cannot be read back"),
    }
    entries = "\n".join(f"{name} = outside.{name}:ENTRY" for name in unfit)
    entry_points = f"[segmentation_bench.contexts]\n{entries}\nshift = outside.blocks:ENTRY\n"
    install(tmp_path / "site", entry_points, **{name: source for name, (source, _) in unfit.items()})
    listed = json.loads(run(tmp_path, "list", "contexts", "--json").stdout)["contexts"]
    for name, (_, reason) in unfit.items():
        assert "CANNOT BE LOADED" in listed[name]
        assert reason in listed[name]
    assert "shift_size" in listed["shift"]


def test_an_edit_anywhere_in_the_package_measures_again(tmp_path: Path) -> None:
    """Also behind relative imports, in a package below the top one, and in what its `__init__` brings."""
    install(tmp_path / "site", ENTRY_POINTS.replace("outside.blocks:ENTRY", "outside.deep:ENTRY"))
    package = tmp_path / "site" / "outside"
    (package / "deep").mkdir()
    (package / "deep" / "__init__.py").write_text("from .impl import ENTRY, Shift\n")
    moved = BLOCKS.replace('"outside.blocks"', '"outside.deep"').replace("x.roll", "turn(x)")
    moved = moved.replace("turn(x)(", "turn(x, ").replace("\nfrom torch", "\nfrom ..helper import turn\nfrom torch", 1)
    (package / "deep" / "impl.py").write_text(moved)
    space = tmp_path / "tiny.yaml"
    space.write_text(SPACE.replace("accuracy:", "latency: null\naccuracy:").replace("latency: {", "about: x #"))
    helper = "def turn(x, rows, dims):\n    return x.roll(rows, dims=dims){}\n"
    (package / "helper.py").write_text(helper.format(""))
    done = run(tmp_path, "sweep", str(space))
    assert done.returncode == 0, done.stderr
    (package / "helper.py").write_text(helper.format(" * 2"))
    done = run(tmp_path, "sweep", str(space), "--dry-run")
    assert "to measure: 2 cost, 2 accuracy; 2 done before" in done.stderr  # the plain FPN has nothing of the block
