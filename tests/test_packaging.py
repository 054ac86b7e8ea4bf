"""What a user installs: a wheel that holds every file, one version everywhere, records that name their code."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import pytest
import yaml

from bench.storage.store import Store
from tests.conftest import PROJECT

PACKAGES = ("bench", "variants")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
WHERE_FROM = "from bench.system.machine import commit; print(commit())"
CALLED_IN_A_HOOK = {"GIT_DIR": "/nowhere"}
ENTRY_POINT = """\
from bench.cli import main
if __name__ == "__main__":
    main()
"""
WATCH = """\
import sys

def watch(event, arguments):
    if event == "socket.getaddrinfo" or (event == "socket.connect" and isinstance(arguments[1], tuple)):
        with open(FILE, "a") as file:
            file.write(f"{event} {arguments}\\n")

sys.addaudithook(watch)
"""
"""Loaded by every Python process: notes each connection to a host."""
SPACE = """\
variants: [lcnet_050+fpn8-head8]
cost: {size: [64, 64]}
latency: {size: [64, 64], devices: [cpu], samples: 10, restarts: 1}
accuracy:
  data: {name: streets, options: {width: 96, height: 64, train: 4, val: 2, test: 2}}
  schedule: {epochs: 1, batch_size: 4}
"""


def copy_project(folder: Path) -> None:
    """What a wheel is built from, without the results of the tools that run here."""
    for name in PACKAGES:
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, folder)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as pip builds it."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    copy_project(source)
    subprocess.run([sys.executable, "-c", BUILD, str(out)], cwd=source, check=True, capture_output=True)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Path:
    """A folder of installed packages inside the git repository of another project."""
    repository = tmp_path / "another_project"
    site = repository / "packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    commit_all(repository, "pyproject.toml")
    return site


def commit_all(repository: Path, *names: str) -> str:
    """Make a repository of these files, a new one empty, and return its commit."""
    (repository / names[0]).touch()
    for arguments in (
        ("init", "--quiet"),
        ("add", *names),
        ("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "-m", "first"),
    ):
        subprocess.run(["git", *arguments], cwd=repository, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True)
    return head.stdout[:12]


def where_from(site: Path, **environment: str) -> str:
    """What records would call the code at `site`, asked by a process in the folder above."""
    done = subprocess.run(
        [sys.executable, "-c", WHERE_FROM],
        cwd=site.parent,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(site), "BENCH_COMMIT": ""} | environment,
    )
    return done.stdout.strip()


def test_the_wheel_holds_every_file_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == {
        path.relative_to(PROJECT).as_posix()
        for package in PACKAGES
        for path in (PROJECT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"bench/py.typed", "variants/py.typed"} <= held


def test_the_wheel_says_its_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        fields = message_from_string(archive.read(metadata).decode())
        text = archive.read(metadata.replace("METADATA", "licenses/LICENSE")).decode()
    assert fields["License-Expression"] == "Apache-2.0"
    assert text == (PROJECT / "LICENSE").read_text()
    assert "END OF TERMS AND CONDITIONS" in text


def test_one_version_everywhere() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text())
    changes = (PROJECT / "CHANGELOG.md").read_text()
    newest, date = re.findall(r"^## (\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)$", changes, re.MULTILINE)[0]
    assert project["version"] == str(citation["version"]) == newest
    assert str(citation["date-released"]) == date
    assert citation["license"] == project["license"]


def test_an_installed_package_says_its_version_and_not_the_commit_around_it(installed: Path) -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    assert where_from(installed) == f"version {version}"
    hook_of = {"GIT_DIR": str(installed.parent / ".git")}
    assert where_from(installed, **hook_of) == f"version {version}"


def test_what_pip_fetched_from_git_says_that_commit(installed: Path) -> None:
    (metadata,) = installed.glob("*.dist-info")
    source = {"url": "https://host/bench.git", "vcs_info": {"vcs": "git", "commit_id": "0123456789abcdef" * 2}}
    (metadata / "direct_url.json").write_text(json.dumps(source))
    assert where_from(installed) == "0123456789ab"


def test_a_checkout_says_its_commit_and_that_it_was_changed(tmp_path: Path) -> None:
    copy_project(tmp_path)
    head = commit_all(tmp_path, "pyproject.toml", *PACKAGES)
    assert where_from(tmp_path) == head
    assert where_from(tmp_path, **CALLED_IN_A_HOOK) == head
    with (tmp_path / "bench" / "errors.py").open("a") as file:
        file.write("# a change\n")
    assert where_from(tmp_path) == f"{head}+changes"


def test_a_copy_that_is_neither_is_unknown(tmp_path: Path) -> None:
    copy_project(tmp_path)
    assert where_from(tmp_path) == "unknown"


@pytest.mark.slow
def test_an_installed_package_sweeps_in_any_folder(installed: Path, tmp_path: Path) -> None:
    """Also where modules lie that have the names of ours, of which none is run; and without a connection to a host."""
    command, folder = tmp_path / "bin" / "bench", tmp_path / "my project"
    for name in ("bench/__init__.py", "variants/__init__.py", "torch.py", "one.yaml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(SPACE if name == "one.yaml" else "print('not ours', flush=True)\n")
    command.parent.mkdir()
    command.write_text(ENTRY_POINT)
    connections = tmp_path / "connections"
    (installed / "sitecustomize.py").write_text(f"FILE = {str(connections)!r}\n{WATCH}")
    environment = os.environ | {"PYTHONPATH": str(installed), "BENCH_COMMIT": ""}
    done = subprocess.run(
        [sys.executable, str(command), "sweep", "one.yaml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert "not ours" not in done.stdout + done.stderr
    records = Store(folder / "results").read("one")
    assert {record.group for record in records} == {"cost", "accuracy", "latency"}
    assert {record.commit for record in records} == {where_from(installed)}
    assert (folder / "reports" / "one" / "index.html").is_file()
    assert not connections.exists()
    look_up = "import socket; socket.getaddrinfo('127.0.0.1', 9)"
    subprocess.run([sys.executable, "-c", look_up], env=environment, check=True)
    assert connections.exists(), "the watch is on"
