"""Revisions against each other: checkouts, the latency guard, its self-test and the duel, as users call them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch

from bench.errors import UserError
from bench.guard.latency_run import Effort, guard_ready
from bench.guard.latency_verdict import Rule
from bench.guard.render.cost.formats import FORMATS
from bench.latency.checkout import WORKING_TREE, Checkout, checked_out, uncommitted
from bench.latency.job import Job
from bench.settings.latency import LatencySetting
from bench.storage.store import Store
from tests.conftest import INTERRUPTED, PROJECT, RunBench
from tests.warm_hosts import warm_hosts

__all__ = ["warm_hosts"]

VARIANT = "lcnet_050+fpn16-head16"
MANY_TIMES = "    for _ in range(600):\n        x.sin()\n"
SETTING = LatencySetting(size=(64, 64), classes=5)
WITHOUT_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
Git = Callable[..., None]


def new_repository(root: Path) -> Git:
    """An empty repository, and how to call git in it."""

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", "-C", str(root), *who, *arguments], check=True, capture_output=True)

    root.mkdir()
    git("init", "--quiet")
    return git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A project of one file, with two commits and a change."""
    root = tmp_path / "project"
    git = new_repository(root)
    for text in ("first", "second"):
        (root / "file").write_text(text)
        git("add", "file")
        git("commit", "--quiet", "-m", text)
    (root / "file").write_text("third")
    return root


def test_revisions_are_worktrees_that_go_again(repository: Path) -> None:
    with checked_out("HEAD~1", repository) as before, checked_out("HEAD", repository) as head:
        assert ((before.root / "file").read_text(), (head.root / "file").read_text()) == ("first", "second")
        assert before.label.startswith("HEAD~1 (")
        assert before.code != head.code
    assert not before.root.exists()
    listed = subprocess.run(
        ["git", "-C", str(repository), "worktree", "list"], capture_output=True, text=True, check=True
    )
    assert len(listed.stdout.splitlines()) == 1
    with checked_out(WORKING_TREE, repository / ".") as here:
        assert (here.root / "file").read_text() == "third"
        assert here.code != head.code
    assert uncommitted(repository)
    (repository / "file").write_text("second")
    with checked_out(WORKING_TREE, repository) as here:
        assert here.code == head.code


def test_what_is_no_revision_or_no_repository_is_refused(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'v99' is no commit"), checked_out("v99", repository):
        pass
    outside = tmp_path / "outside"
    outside.mkdir()
    with pytest.raises(UserError, match="no git repository"), checked_out("HEAD", outside):
        pass
    with checked_out(WORKING_TREE, outside) as here:
        assert here.root == outside


@pytest.mark.slow
@pytest.mark.usefixtures("warm_hosts")
def test_equal_code_is_never_called_slower_and_broken_code_is_told() -> None:
    here = Checkout(PROJECT, "here", "here")
    effort = Effort(restarts=5, seconds=6)  # noise of a busy machine must not hide eight times the work
    with guard_ready(here, here, SETTING, effort, Rule(tolerated=0.5, wanted=5.0)) as guard:
        judged = guard.judge_variant(VARIANT)
        assert judged.state in ("unchanged", "unclear")
        assert judged.verdict is not None
        assert judged.verdict.restarts >= 3
        unknown = guard.judge_variant("no_such_net+fpn16-head16")
        assert (unknown.state, unknown.verdict) == ("refused", None)
        assert unknown.reason.startswith("neither revision builds it: backbone 'no_such_net'")
        jobs = [
            Job(variant=VARIANT, setting=SETTING, exported=str(guard.exports), passes=passes) for passes in (2, 2, 16)
        ]
        assert guard.judge_jobs(jobs).state == "regressed"
        assert guard.judge_jobs(jobs[::-1][:1] * 2 + jobs[:1]).state == "improved"


@pytest.mark.slow
@pytest.mark.usefixtures("warm_hosts")
def test_duel_prints_the_ratio_and_gives_json(run_bench: RunBench) -> None:
    arguments = ["duel", VARIANT, "lcnet_050+fpn64-head64", "--size", "128x64", "--restarts", "3", "--seconds", "2"]
    done = run_bench(*arguments, cwd=PROJECT)
    assert done.returncode == 0, done.stderr
    assert "B is" in done.stdout or "could hide" in done.stdout
    data = json.loads(run_bench(*arguments, "--json", cwd=PROJECT).stdout)
    assert data["b_over_a"]["low"] <= data["b_over_a"]["ratio"] <= data["b_over_a"]["high"]
    assert len(data["times_ns"]) == 3
    assert 0 <= data["conditions"]["others"] <= 1
    assert data["a"]["setting"]["size"] == [128, 64]


@pytest.mark.slow
def test_a_guard_that_is_ended_takes_its_checkouts_along(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    command = [sys.executable, "-m", "bench", "guard", "--latency", VARIANT, "--against", "HEAD~1", "--seconds", "600"]
    environment = os.environ | {"TMPDIR": str(tmp_path / "kept"), "PYTHONPATH": str(PROJECT)}
    guard = subprocess.Popen(command, cwd=repository, env=environment, stderr=subprocess.PIPE, text=True)
    assert guard.stderr is not None
    assert any(line.startswith("base HEAD") for line in guard.stderr), "both revisions are checked out"
    assert any((tmp_path / "kept").iterdir())
    guard.terminate()
    _, words = guard.communicate(timeout=60)
    assert guard.returncode in INTERRUPTED
    assert "stopped; nothing is reported" in words
    assert not any((tmp_path / "kept").iterdir())
    listed = subprocess.run(
        ["git", "-C", str(repository), "worktree", "list"], check=True, capture_output=True, text=True
    )
    assert len(listed.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--latency"], "--against"),
        (["--against-sweep", "quick"], "--front"),
        (["--latency", "--cost", "--against", "HEAD"], "of their own"),
        (["--latency", "--accept", "--against", "HEAD"], "no baseline"),
        (["--latency", "--against", "no-such-revision", VARIANT], "no commit"),
        (["--latency", "--against", "HEAD", "no-such-space"], "no-such-space"),
        (["--self-test", VARIANT, VARIANT], "one variant"),
        (["--self-test", "--format", "json"], "Leave them out"),
        (["--self-test", "--tolerated", "10"], "no verdict could have seen it"),
        (["--latency", "--against", "HEAD", "--wanted", "4"], "no verdict could have seen it"),
        pytest.param(["--self-test", "--device", "cuda"], "sees no CUDA device", marks=(pytest.mark.gpu, WITHOUT_GPU)),
        pytest.param(
            ["--latency", "--against", "HEAD", "--device", "cuda"],
            "GPU is unverified",
            marks=(pytest.mark.gpu, WITHOUT_GPU),
        ),
    ],
)
def test_a_wrong_call_of_the_guard_is_refused(run_bench: RunBench, arguments: list[str], words: str) -> None:
    done = run_bench("guard", *arguments, cwd=PROJECT)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def commit_networks(git: Git, project: Path, package: Path) -> None:
    """A project of the networks alone."""
    shutil.copytree(PROJECT / "variants", package, ignore=shutil.ignore_patterns("__pycache__"))
    (project / "pyproject.toml").touch()
    git("add", ".")
    git("commit", "--quiet", "-m", "networks")


@pytest.mark.slow
@pytest.mark.usefixtures("warm_hosts")
def test_the_guard_stops_a_commit_that_is_slower(run_bench: RunBench, tmp_path: Path) -> None:
    """A project of the networks alone, in a folder of its repository, whose second commit resizes every map often."""
    root, report = tmp_path / "repository" / "networks", tmp_path / "guard.json"
    git = new_repository(root.parent)
    commit_networks(git, root, root / "src" / "variants")
    layers = root / "src" / "variants" / "layers.py"
    layers.write_text(layers.read_text().replace("    return F.interpolate(", MANY_TIMES + "    return F.interpolate("))
    git("commit", "--quiet", "-a", "-m", "slower")
    arguments = ["guard", "--latency", VARIANT, "--size", "64x64", "--restarts", "3", "--seconds", "9"]
    arguments += ["--write", f"json={report}"]
    done = run_bench(*arguments, "--against", "HEAD~1", cwd=root)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"REGRESSED  {VARIANT}" in done.stdout
    assert "equal code would come out there in" in done.stdout
    (variant,) = json.loads(report.read_text())["variants"]
    assert variant["ratio"]["value"] > 1.1
    assert 0 <= variant["false_alarm_rate"] < 0.0051
    assert len(variant["times_ns"]["by_restart"]) == variant["restarts"]
    back = run_bench(*arguments, "--against", "HEAD", "--head", "HEAD~1", cwd=root / "src")
    assert back.returncode == 0, back.stdout
    assert f"improved  {VARIANT}" in back.stdout


@pytest.mark.parametrize("form", FORMATS)
def test_a_commit_against_itself_is_no_pass(run_bench: RunBench, repository: Path, form: str) -> None:
    """As on a push to main, or where what was meant to be judged is not committed."""
    arguments = ["guard", "--latency", VARIANT, "--format", form]
    done = run_bench(*arguments, "--against", "HEAD", cwd=repository)
    assert done.returncode == 3, done.stderr
    assert "base and head are the same code. Pass another --against" in done.stderr
    assert "--head ." in done.stderr
    assert "both revisions are the same code" in done.stdout
    assert "uncommitted changes are not judged" in done.stdout
    assert "[1/1]" not in done.stderr, "nothing was measured"


@pytest.mark.parametrize("sides", [("HEAD", "."), (".", "."), ("main", "HEAD")])
def test_other_names_of_the_same_code_are_no_pass(
    run_bench: RunBench, repository: Path, sides: tuple[str, str]
) -> None:
    (repository / "file").write_text("second")
    subprocess.run(["git", "-C", str(repository), "branch", "--force", "main"], check=False, capture_output=True)
    base, head = sides
    done = run_bench("guard", "--latency", VARIANT, "--against", base, "--head", head, cwd=repository)
    assert done.returncode == 3, done.stderr
    assert "uncommitted changes are not judged" not in done.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("warm_hosts")
def test_a_variant_that_neither_revision_has_is_refused(run_bench: RunBench, tmp_path: Path) -> None:
    """What the base alone has is broken, and that comes before a name that none has."""
    root, report = tmp_path / "project", tmp_path / "guard.json"
    git = new_repository(root)
    commit_networks(git, root, root / "variants")
    backbones = root / "variants" / "backbones" / "__init__.py"
    backbones.write_text(backbones.read_text().replace('"van_b0": ', '"van_zero": '))
    git("commit", "--quiet", "-a", "-m", "renamed")
    unknown, lost = "no_such_net+fpn16-head16", "van_b0+fpn16-head16"
    arguments = ["guard", "--latency", "--against", "HEAD~1", "--size", "64x64", "--restarts", "3", "--seconds", "4"]
    arguments += ["--tolerated", "100", "--wanted", "900", "--write", f"json={report}"]
    done = run_bench(*arguments, unknown, lost, cwd=root)
    assert done.returncode == 1, done.stdout
    assert f"NEITHER BUILDS IT  {unknown}" in done.stdout
    assert "neither revision builds it: backbone 'no_such_net'" in done.stdout
    assert "mend its name" in done.stderr
    states = {variant["variant"]: variant["state"] for variant in json.loads(report.read_text())["variants"]}
    assert states == {unknown: "refused", lost: "broken"}


@pytest.mark.slow
@pytest.mark.usefixtures("warm_hosts")
def test_a_head_that_cannot_be_loaded_is_broken(run_bench: RunBench, tmp_path: Path) -> None:
    root, report = tmp_path / "project", tmp_path / "guard.json"
    git = new_repository(root)
    commit_networks(git, root, root / "variants")
    (root / "variants" / "__init__.py").write_text("raise ImportError('half a project')\n")
    git("commit", "--quiet", "-a", "-m", "half a project")
    arguments = ["guard", "--latency", VARIANT, "--against", "HEAD~1", "--write", f"json={report}"]
    done = run_bench(*arguments, cwd=root)
    assert done.returncode == 1, done.stderr
    assert f"BROKEN  {VARIANT}" in done.stdout
    assert "half a project" in json.loads(report.read_text())["variants"][0]["reason"]


@pytest.mark.slow
@pytest.mark.usefixtures("warm_hosts")
def test_revisions_of_another_project_are_refused(run_bench: RunBench, repository: Path) -> None:
    """Its worktrees hold no network: both sides would be the installed ones."""
    arguments = [VARIANT, "--size", "64x64"]
    for command in (["guard", "--latency", "--against", "HEAD~1"], ["duel", "--rev-a", "HEAD~1", "--rev-b", "HEAD"]):
        done = run_bench(*command, *arguments, cwd=repository)
        assert done.returncode == 2, done.stdout
        assert "code of the project in this folder" in done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("warm_hosts")
def test_the_self_test_keeps_every_decision_and_goes_on(run_bench: RunBench, tmp_path: Path) -> None:
    arguments = [
        "guard",
        "--self-test",
        VARIANT,
        "--size",
        "64x64",
        "--restarts",
        "3",
        "--seconds",
        "2",
        "--slower-trials",
        "1",
        "--tolerated",
        "50",
        "--wanted",
        "300",
        "--results",
        str(tmp_path),
    ]
    first = run_bench(*arguments, "--trials", "1", cwd=PROJECT)
    assert "false alarms: " in first.stdout, first.stderr
    assert first.returncode != 0, "one decision shows nothing"
    (path,) = (tmp_path / "guard").glob("*-quiet.ndjson")
    assert len(path.read_text().splitlines()) == 2
    second = run_bench(*arguments, "--trials", "2", cwd=PROJECT)
    assert "2 decisions are kept" in second.stderr
    assert len(path.read_text().splitlines()) == 3
    assert Store(tmp_path).sweeps() == []  # no sweep takes them for its records
    line = json.loads(path.read_text().splitlines()[0])
    assert {"machine", "versions", "commit", "setting", "rule", "seed"} <= set(line)
    path.write_text("{\n")
    assert run_bench(*arguments, "--trials", "1", cwd=PROJECT).returncode == 2


def test_a_busy_neighbour_ends_with_its_block() -> None:
    from bench.guard.self_test_trials import busy_neighbour

    before = {process.pid for process in psutil.Process(os.getpid()).children()}
    with busy_neighbour():
        (neighbour,) = [p for p in psutil.Process(os.getpid()).children() if p.pid not in before]
        assert neighbour.cpu_percent(0.3) > 20
    assert not neighbour.is_running()
