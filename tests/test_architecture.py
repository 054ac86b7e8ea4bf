"""Who may import whom, and how fast the help answers."""

import ast
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import PROJECT, bench_command, bench_environment

LIGHT = (
    "bench/records.py",
    "bench/store.py",
    "bench/metrics.py",
    "bench/machine.py",
    "bench/judge",
    "bench/pack",
    "bench/render",
)
HEAVY = ("torch", "torchvision", "timm", "variants")


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def python_files(folder: str) -> list[Path]:
    path = PROJECT / folder
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


@pytest.mark.parametrize("path", python_files("variants"), ids=str)
def test_variants_never_import_bench(path: Path) -> None:
    assert not [name for name in imports_of(path) if name.split(".")[0] == "bench"]


@pytest.mark.parametrize("path", [p for folder in LIGHT for p in python_files(folder)], ids=str)
def test_what_is_kept_and_shown_needs_neither_torch_nor_variants(path: Path) -> None:
    assert not [name for name in imports_of(path) if name.split(".")[0] in HEAVY]


@pytest.mark.parametrize("path", [p for p in python_files("bench") if "cli" not in p.parts], ids=str)
def test_nothing_but_the_entry_point_imports_the_command_line(path: Path) -> None:
    if path.name != "__main__.py":
        assert not [name for name in imports_of(path) if name.startswith("bench.cli")]


def test_rendering_loads_no_torch_at_run_time() -> None:
    code = "import sys, bench.render.report, bench.judge.study, bench.store; print([m for m in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=bench_environment()
    ).stdout
    for name in HEAVY:
        assert f"'{name}'" not in loaded


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, bench.cli; bench.cli.cli(['--help'], standalone_mode=False); print(list(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=bench_environment()
    ).stdout
    for name in ("torch", "timm", "pandas", "matplotlib", "pydantic"):
        assert f"'{name}'" not in loaded


def test_help_answers_in_a_fifth_of_a_second() -> None:
    def seconds() -> float:
        start = time.perf_counter()
        subprocess.run(bench_command("--help"), capture_output=True, check=True, env=bench_environment())
        return time.perf_counter() - start

    assert min(seconds() for _ in range(10)) < 0.2
