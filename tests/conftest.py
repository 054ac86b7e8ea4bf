"""Shared fixtures: the real command line in its own process, and a space of tiny networks."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from bench.cli import main
from bench.system.fork_server import announce
from tests.order import pytest_collection_modifyitems
from tests.skips import pytest_configure

__all__ = ["pytest_collection_modifyitems", "pytest_configure"]  # pytest reads them here

PROJECT = Path(__file__).resolve().parent.parent
SHARED = PROJECT.parent / "shared"

TINY_SPACE = """\
name: tiny
axes:
  backbone: [mobilenetv3_small_050, lcnet_050]
  fused_stages: [[], [3, 4]]
  context: [dnl]
  module_width: [16]
  decoder_width: [8]
  head_width: [8]
cost: {size: [128, 64]}
latency: {size: [64, 64], devices: [cpu], samples: 10, restarts: 2}
accuracy:
  data: {name: streets, options: {width: 96, height: 64, train: 8, val: 3, test: 3}}
  schedule: {epochs: 2, batch_size: 4}
"""

announce("bench.sweep.measure")
"""The first test to start the fork server of this process starts it for all: sweeps of later tests too."""
RunBench = Callable[..., subprocess.CompletedProcess[str]]


def bench_command(*arguments: str) -> list[str]:
    """The command line of this checkout, as a process."""
    return [sys.executable, "-m", "bench", *arguments]


INTERRUPTED = (130, -signal.SIGINT)
"""How a stopped `python -m bench` ends; shells say 130 of both. The second is Python's own where the signal came while
it ran a text, as a dataclass does."""


def bench_environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(PROJECT), "COLUMNS": "160"}


@pytest.fixture
def run_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunBench:
    """Run `bench` in a fresh folder, or in another one; stdout and stderr are kept apart.

    In this process, which has loaded torch before, and by the same entry point as the command: a traceback fails the
    test.
    """

    def run(*arguments: str, cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        output, errors = io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "argv", ["bench", *arguments])
        monkeypatch.setenv("COLUMNS", "160")
        monkeypatch.setenv("PYTHONWARNINGS", "ignore")
        for name in (
            "PYTHONSAFEPATH",
            "PYTHONPATH",
        ):  # set by the command for its children, and put back after the test
            monkeypatch.setenv(name, os.environ.get(name, ""))
        with (
            warnings.catch_warnings(),
            chdir(cwd),
            redirect_stdout(output),
            redirect_stderr(errors),
            pytest.raises(SystemExit) as end,
        ):
            main()
        return subprocess.CompletedProcess(arguments, int(end.value.code or 0), output.getvalue(), errors.getvalue())

    return run


@pytest.fixture
def tiny_space(tmp_path: Path) -> Path:
    """Four tiny variants of two backbones on generated images."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY_SPACE)
    return path


@pytest.fixture
def shared() -> Path:
    """The folder with real data and weights; tests that need it skip without it."""
    if not SHARED.is_dir():
        pytest.skip(f"needs {SHARED}, which is not here")
    return SHARED
