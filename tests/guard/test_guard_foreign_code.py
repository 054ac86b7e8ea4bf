"""Code of plug-ins that ends the process ends no guard in green."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.cli.guard.outcome import Outcome, foreign_exits_fail
from tests.conftest import RunBench
from tests.guard.test_guard import PLAIN, SPACE
from variants.context import CONTEXTS

BLOCK = """\
from torch import nn
from variants.context import ContextEntry
{at_import}

class Ends(nn.Module):
    def __init__(self, width):
        {at_build}
        super().__init__()

    def forward(self, x):
        return x

ENTRY = ContextEntry("ending", "Ends", "ends the process")
"""
ENDING = "lcnet_050+frm34-ending-w16+fpn8-head8"
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a package with one context block, by its metadata; afterwards it is gone."""

    def forget() -> None:
        CONTEXTS.__dict__.pop("_all", None)
        CONTEXTS.broken.clear()

    def add(at_import: str = "", at_build: str = "pass") -> None:
        metadata = tmp_path / "site" / "ending-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: ending\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text("[segmentation_bench.contexts]\nending = ending:ENTRY\n")
        (tmp_path / "site" / "ending.py").write_text(BLOCK.format(at_import=at_import, at_build=at_build))
        monkeypatch.syspath_prepend(tmp_path / "site")
        forget()

    (tmp_path / "pair.yaml").write_text(SPACE.format(PLAIN))
    yield add
    monkeypatch.undo()
    forget()
    sys.modules.pop("ending", None)


@pytest.mark.parametrize("ending", ["raise SystemExit(0)", "raise BaseException('odd')", "raise GeneratorExit"])
def test_a_plug_in_that_ends_the_process_on_import_is_set_aside_and_named(
    run_bench: RunBench, install: Install, ending: str
) -> None:
    assert run_bench("guard", "--accept", "pair.yaml").returncode == 0
    install(at_import=ending)
    done = run_bench("guard", "--cost", "--format", "json")
    assert done.returncode == 0, "what is guarded does not use it"
    report = json.loads(done.stdout)
    assert report["figures"] == 4
    (named,) = report["plugins_set_aside"]
    assert "ending" in named
    assert run_bench("guard", "--cost").stdout.count("4 figures") == 1


def test_a_network_that_ends_the_process_when_it_is_built_fails(
    run_bench: RunBench, install: Install, tmp_path: Path
) -> None:
    install()
    (tmp_path / "pair.yaml").write_text(SPACE.format(f"{PLAIN}, {ENDING}"))
    assert run_bench("guard", "--accept", "pair.yaml").returncode == 0
    source = tmp_path / "site" / "ending.py"
    source.write_text(source.read_text().replace("pass", "raise SystemExit(0)"))
    sys.modules.pop("ending", None)
    done = run_bench("guard", "--cost", "pair.yaml", "--format", "json")
    assert done.returncode == 1
    (space,) = json.loads(done.stdout)["spaces"]
    assert {v["variant"]: v["state"] for v in space["variants"]} == {ENDING: "uncountable", PLAIN: "same"}


def test_an_exit_in_green_fails_and_another_keeps_its_code() -> None:
    for code, ends in ((0, 1), (None, 1), (130, 130)):
        with pytest.raises(SystemExit) as end, foreign_exits_fail():
            raise SystemExit(code)
        assert end.value.code == ends


def test_a_guard_that_compared_nothing_does_not_pass() -> None:
    for outcome, ends in ((Outcome(0, 0), 3), (Outcome(0, 1), 0), (Outcome(1, 0), 1), (Outcome(2, 5), 2)):
        with pytest.raises(SystemExit) as end:
            outcome.end()
        assert end.value.code == ends
