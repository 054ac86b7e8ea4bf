"""The examples of docs/latency.md: the script as it stands, and what the workflow needs to work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tests.conftest import PROJECT, bench_environment

EXAMPLES = PROJECT / "docs" / "examples"
SCRIPT = EXAMPLES / "latency-guard.sh"
VARIANT = "lcnet_050+fpn16-head16"


def run_script(folder: Path, first_on_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script in the project, its files into a folder."""
    path = os.pathsep.join([str(first_on_path), os.environ.get("PATH", os.defpath)])
    return subprocess.run(
        ["sh", str(SCRIPT), *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env=bench_environment() | {"PATH": path, "LATENCY_GUARD_OUT": str(folder)},
    )


def fake_bench(folder: Path, code: int) -> Path:
    """A `bench` that prints its arguments, a line each."""
    path = folder / "bin" / "bench"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@"\nexit {code}\n')
    path.chmod(0o755)
    return path.parent


def needs_git(revision: str) -> None:
    done = subprocess.run(
        ["git", "-C", str(PROJECT), "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"needs {revision}, and {PROJECT} is no git checkout that has it")


@pytest.mark.slow
def test_the_script_judges_the_project(tmp_path: Path) -> None:
    needs_git("HEAD~1")
    lenient = ("--tolerated", "50", "--wanted", "200", "--seconds", "5")
    own = Path(sys.executable).parent
    done = run_script(tmp_path, own, "HEAD~1", VARIANT, "--size", "128x64", "--restarts", "3", *lenient)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    assert ("cannot tell today" in done.stderr) == (done.returncode == 3)
    suite = ElementTree.parse(tmp_path / "latency-guard.xml").find("testsuite")
    assert suite is not None
    assert [case.get("name") for case in suite.iter("testcase")] == [VARIANT]
    assert VARIANT in (tmp_path / "latency-guard.md").read_text()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("code", "words"), [(0, None), (1, "is slower than at HEAD"), (2, None), (3, "cannot tell")])
def test_the_script_hands_on_arguments_and_says_exit_codes(tmp_path: Path, code: int, words: str | None) -> None:
    done = run_script(tmp_path, fake_bench(tmp_path, code), "HEAD", "a variant", "--restarts", "3")
    assert done.returncode == code
    given = done.stdout.splitlines()
    assert given[:4] == ["guard", "--latency", "--against", "HEAD"]
    assert given[-3:] == ["a variant", "--restarts", "3"]
    assert (words in done.stderr) if words else not done.stderr


@pytest.mark.parametrize("arguments", [(), ("",), ("--size", "128x64")])
def test_the_script_finds_a_base(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    needs_git("HEAD~1")
    done = run_script(tmp_path, fake_bench(tmp_path, 0), *arguments)
    assert done.returncode == 0, done.stderr
    given = done.stdout.splitlines()
    base = given[given.index("--against") + 1]
    assert base == "HEAD~1" or len(base) == 40
    assert "" not in given
    assert given[-len(arguments) :] == list(arguments) or len(arguments) < 2


def test_the_workflow_has_both_revisions_and_shows_what_was_found() -> None:
    workflow = yaml.safe_load((EXAMPLES / "latency-guard.yml").read_text())
    steps = workflow["jobs"]["latency"]["steps"]
    (checkout,) = [step for step in steps if step.get("uses", "").startswith("actions/checkout")]
    assert checkout["with"]["fetch-depth"] == 0
    (guard,) = [step for step in steps if "bench guard" in step.get("run", "")]
    assert guard["env"]["BASE"] == "${{ github.event.pull_request.base.sha }}"
    for words in ("--latency", '--against "$BASE"', "--format github", 'markdown="$GITHUB_STEP_SUMMARY"'):
        assert words in guard["run"]
    assert "${{" not in guard["run"]
