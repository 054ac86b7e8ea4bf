"""Who may import whom, and what the help loads."""

import ast
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.conftest import PROJECT, bench_command, bench_environment

LIGHT = (
    "bench/storage/records.py",
    "bench/storage/store.py",
    "bench/metrics.py",
    "bench/system/machine.py",
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
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def python_files(folder: str) -> list[Path]:
    path = PROJECT / folder
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def importing(files: Iterable[Path], *packages: str) -> list[str]:
    """Those that import one of these packages, or what lies in it, with the name."""
    return [
        f"{path.relative_to(PROJECT)} imports {name}"
        for path in files
        for name in sorted(imports_of(path))
        if any(f"{name}.".startswith(f"{package}.") for package in packages)
    ]


def test_variants_never_import_bench() -> None:
    assert importing(python_files("variants"), "bench") == []


def test_what_is_kept_and_shown_needs_neither_torch_nor_variants() -> None:
    assert importing((path for folder in LIGHT for path in python_files(folder)), *HEAVY) == []


def test_nothing_but_the_entry_point_imports_the_command_line() -> None:
    others = [path for path in python_files("bench") if "cli" not in path.parts and path.name != "__main__.py"]
    assert importing(others, "bench.cli") == []


def test_an_import_of_a_package_is_found() -> None:
    assert "bench/__main__.py imports bench.cli" in importing([PROJECT / "bench" / "__main__.py"], "bench.cli")
    assert importing(python_files("variants"), "torch"), "each file is read"
    assert importing(python_files("bench"), "benc") == []


def test_rendering_loads_no_torch_at_run_time() -> None:
    rooms = "bench.render.sweep.report, bench.analysis.study, bench.storage.store"
    code = f"import sys, {rooms}; print([m for m in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=bench_environment()
    ).stdout
    for name in HEAVY:
        assert f"'{name}'" not in loaded


def test_help_loads_nothing_heavy() -> None:
    """Of packages click alone, and of bench no module but the command line's: what the help takes is their loading."""
    code = "import sys, bench.cli; bench.cli.cli(['--help'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=bench_environment()
    )
    loaded = done.stdout.splitlines()[-1].split()
    packages = {name.partition(".")[0] for name in loaded if not name.startswith("_")} - sys.stdlib_module_names
    assert packages <= {"bench", "click", "colorama"}
    assert {name for name in loaded if name.startswith("bench")} == {"bench", "bench.cli"}


@pytest.mark.timing
def test_help_answers_in_a_fifth_of_a_second() -> None:
    def seconds() -> float:
        start = time.perf_counter()
        subprocess.run(bench_command("--help"), capture_output=True, check=True, env=bench_environment())
        return time.perf_counter() - start

    assert min(seconds() for _ in range(10)) < 0.2
