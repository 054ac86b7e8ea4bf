"""The example workflow of docs/cost.md: its command as it stands, in a folder with a baseline."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from click.testing import CliRunner

from bench.cli import cli
from tests.conftest import PROJECT, bench_environment
from tests.decision.test_front_moves import git

DOCS = PROJECT / "docs"
VARIANT = "lcnet_050+fpn16-head16"
SPACE = f"""\
name: one
variants: [{VARIANT}]
cost: {{size: [128, 64]}}
accuracy: {{data: {{name: streets}}}}
"""


def guard_command() -> str:
    workflow = yaml.safe_load((DOCS / "examples" / "cost-guard.yml").read_text())
    (guard,) = [step["run"] for step in workflow["jobs"]["cost"]["steps"] if "bench guard" in step.get("run", "")]
    return str(guard)


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env=bench_environment() | {"PATH": path, "BASE": "HEAD", "GITHUB_STEP_SUMMARY": str(folder / "summary.md")},
    )


def commit_all(folder: Path) -> None:
    """Make the folder a repository whose last commit holds all files."""
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "base")


@pytest.mark.slow
def test_the_workflow_judges_a_folder_by_its_baseline(tmp_path: Path) -> None:
    space = tmp_path / "one.yaml"
    space.write_text(SPACE)
    accepted = CliRunner().invoke(cli, ["guard", "--accept", str(space), "--results", str(tmp_path / "results")])
    assert accepted.exit_code == 0, accepted.output
    commit_all(tmp_path)
    passed = run(guard_command(), tmp_path)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert passed.stdout.startswith("::notice title=bench guard")
    assert "## Cost guard passed" in (tmp_path / "summary.md").read_text()
    suite = ElementTree.parse(tmp_path / "cost-guard.xml").find("testsuite")
    assert suite is not None
    assert [case.get("name") for case in suite.iter("testcase")] == [VARIANT]


@pytest.mark.slow
def test_the_workflow_does_not_pass_without_a_baseline(tmp_path: Path) -> None:
    commit_all(tmp_path)
    done = run(guard_command(), tmp_path)
    assert done.returncode == 3
    assert "bench guard --accept SPACE" in done.stderr


def test_the_docs_name_every_way_in_which_it_ends() -> None:
    text = (DOCS / "cost.md").read_text()
    section = text.partition("## The cost guard\n")[2].partition("\n## ")[0]
    assert section, "docs/cost.md has the section"
    for words in ("--accept", "--allow", "--format", "--write", "cost-guard.yml", "| 0 |", "| 1 |", "| 2 |", "| 3 |"):
        assert words in section


def test_the_workflows_pin_their_actions_and_only_read() -> None:
    for path in (DOCS / "examples").glob("*.yml"):
        workflow = yaml.safe_load(path.read_text())
        (job,) = workflow["jobs"].values()
        assert workflow["permissions"] == {"contents": "read"}
        assert "permissions" not in job
        actions = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) for action in actions), actions
        assert job["steps"][0]["with"]["persist-credentials"] is False
