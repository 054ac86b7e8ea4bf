"""What is loaded by reports, the help and those who watch workers. Who may import whom, import-linter says."""

import subprocess
import sys
import time

import pytest

from tests.conftest import bench_command, bench_environment

TORCH = ("torch", "torchvision", "timm")


@pytest.mark.parametrize(
    ("rooms", "heavy"),
    [
        ("bench.render.sweep.report, bench.analysis.study, bench.storage.store", (*TORCH, "variants")),
        ("bench.sweep.pool, bench.settings.accuracy, bench.settings.cost, bench.settings.latency", TORCH),
    ],
    ids=["reports", "what watches workers"],
)
def test_these_load_no_torch_at_run_time(rooms: str, heavy: tuple[str, ...]) -> None:
    code = f"import sys, {rooms}; print([m for m in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=bench_environment()
    ).stdout
    for name in heavy:
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
