"""`bench guard --cost --against REV`: a change can neither delete, raise nor shorten the baselines that judge it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunBench
from tests.decision.test_front_moves import git
from tests.guard.test_guard import DNL, PLAIN, SPACE, lower_macs_by_one

Data = dict[str, Any]
Change = Callable[[Data], None]


@pytest.fixture
def project(run_bench: RunBench, tmp_path: Path) -> Path:
    """A repository whose main branch holds the baseline of two variants."""
    (tmp_path / "pair.yaml").write_text(SPACE.format(f"{PLAIN}, {DNL}"))
    assert run_bench("guard", "--accept", "pair.yaml").returncode == 0
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return tmp_path


def baseline(project: Path) -> Path:
    return project / "results" / "pair" / "cost_baseline.json"


def edit(project: Path, change: Change) -> None:
    data = json.loads(baseline(project).read_text())
    change(data)
    baseline(project).write_text(json.dumps(data))


def guard(run_bench: RunBench, *arguments: str) -> tuple[int, Data]:
    """Exit code and the JSON of the one space."""
    done = run_bench("guard", "--cost", "--against", "main", "--format", "json", *arguments)
    (space,) = json.loads(done.stdout)["spaces"]
    return done.returncode, space


def raise_macs(data: Data) -> None:
    data["variants"][DNL]["work"]["context"]["convolution"][1] += 1


def hide_an_operator(data: Data) -> None:
    data["variants"][DNL]["unknown_operators"]["fft"] = 1


def drop_a_variant(data: Data) -> None:
    del data["variants"][DNL]


def shrink_the_image(data: Data) -> None:
    data["size"] = [64, 32]


def test_untouched_baselines_pass_with_the_figures_compared(run_bench: RunBench, project: Path) -> None:
    code, space = guard(run_bench)
    assert (code, space["compared"], space["baseline_faults"]) == (0, 2, [])
    assert "8 figures" in run_bench("guard", "--cost", "--against", "main").stdout


@pytest.mark.parametrize(
    ("change", "kind", "metric"),
    [
        (raise_macs, "raised", "macs"),
        (hide_an_operator, "raised", "fft"),
        (drop_a_variant, "dropped", ""),
        (shrink_the_image, "counted_otherwise", ""),
    ],
)
def test_a_baseline_that_allows_more_fails(
    run_bench: RunBench, project: Path, change: Change, kind: str, metric: str
) -> None:
    edit(project, change)
    git(project, "commit", "--quiet", "-a", "-m", "allow more")
    code, space = guard(run_bench, "--against", "HEAD~1")
    (fault,) = space["baseline_faults"]
    assert (code, fault["kind"], fault["metric"]) == (1, kind, metric)
    assert space["compared"] == 2, "by the baseline that was agreed to"


def test_every_format_says_it(run_bench: RunBench, project: Path) -> None:
    edit(project, drop_a_variant)
    files = {form: project / f"guard.{form}" for form in ("table", "junit", "github", "markdown")}
    guard(run_bench, *(word for form, path in files.items() for word in ("--write", f"{form}={path}")))
    for path in files.values():
        assert "was taken out of" in path.read_text(), path


@pytest.mark.slow
def test_a_deleted_baseline_fails_though_its_space_is_gone_too(run_bench: RunBench, project: Path) -> None:
    baseline(project).unlink()
    (project / "pair.yaml").unlink()
    code, space = guard(run_bench)
    assert (code, [fault["kind"] for fault in space["baseline_faults"]]) == (1, ["deleted"])
    assert guard(run_bench, "pair")[0] == 1


def test_growth_that_the_change_accepts_itself_fails(run_bench: RunBench, project: Path) -> None:
    """Main allows one multiply-add less than is counted; the change has accepted what is counted."""
    edit(project, lower_macs_by_one)
    git(project, "commit", "--quiet", "-a", "-m", "stricter")
    assert run_bench("guard", "--accept").returncode == 0
    assert run_bench("guard", "--cost").returncode == 0
    code, space = guard(run_bench)
    assert (code, [fault["kind"] for fault in space["baseline_faults"]]) == (1, ["raised"])
    assert [v["variant"] for v in space["variants"] if v["state"] == "grew"] == [DNL]
    assert guard(run_bench, "--allow", "0.01")[0] == 0


def test_lower_figures_and_new_variants_pass(run_bench: RunBench, project: Path) -> None:
    edit(project, raise_macs)
    git(project, "commit", "--quiet", "-a", "-m", "laxer")
    (project / "pair.yaml").write_text(SPACE.format(f"{PLAIN}, {DNL}, lcnet_050+fpn8-head8"))
    assert run_bench("guard", "--accept", "pair.yaml").returncode == 0
    code, space = guard(run_bench)
    assert (code, space["compared"], space["baseline_faults"]) == (0, 3, [])


def test_a_revision_without_baselines_leaves_those_of_the_files(run_bench: RunBench, project: Path) -> None:
    git(project, "checkout", "--quiet", "--orphan", "empty")
    git(project, "rm", "--quiet", "--cached", "-r", ".")
    git(project, "commit", "--quiet", "--allow-empty", "-m", "nothing")
    assert run_bench("guard", "--cost", "--against", "empty").returncode == 0
    edit(project, lower_macs_by_one)
    assert run_bench("guard", "--cost", "--against", "empty").returncode == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--cost", "--against", "v99"),
        ("--cost", "--against-sweep", "pair"),
        ("--accept", "--against", "main"),
        ("--cost", "--against", "main", "--results", "/"),
    ],
)
def test_what_has_no_meaning_is_refused(run_bench: RunBench, project: Path, arguments: tuple[str, ...]) -> None:
    done = run_bench("guard", *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
