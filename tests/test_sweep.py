"""A real sweep of tiny networks: whole, killed and resumed, with a variant that fails."""

import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import TINY_SPACE, RunBench, bench_command, bench_environment

CELLS = 4 + 2 * 4 + 4
"""Costs, two restarts of each latency, accuracies."""


def stored(folder: Path) -> list[dict[str, Any]]:
    """The records; a line that is being written is none yet."""
    lines = [line for path in folder.glob("results/*/*.jsonl") for line in path.read_text().split("\n")[:-1]]
    return [json.loads(line) for line in lines]


@contextmanager
def running_sweep(space: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        bench_command("sweep", space.name, *options), cwd=space.parent, env=bench_environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_for(condition: Any, process: subprocess.Popen[str], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the sweep ended too early"
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    """Worker processes: children of the fork server."""
    return [p for p in process.children(recursive=True) if p.ppid() != process.pid]


def test_sweep_measures_everything_and_reports(run_bench: RunBench, tiny_space: Path) -> None:
    done = run_bench("sweep", tiny_space.name)
    assert done.returncode == 0, done.stderr
    records = stored(tiny_space.parent)
    assert Counter(r["group"] for r in records) == {"cost": 4, "latency": 8, "accuracy": 4}
    for record in records:
        assert record["status"] == "ok"
        assert record["commit"]
        assert record["machine"]["cpu"]
        assert record["versions"]["torch"]
        assert record["setting"]
        if record["group"] == "latency":
            assert len(record["details"]["samples_ms"]) == 5
            assert record["details"]["warmup"]["passes"] >= 8
        if record["group"] == "accuracy":
            assert record["setting"]["seed"] == 0
            assert record["setting"]["schedule"]["epochs"] == 2
            assert 0 <= record["metrics"]["miou_val"] <= 1
    assert "plain FPN" in done.stdout
    assert (tiny_space.parent / "reports" / "tiny" / "index.html").is_file()

    again = run_bench("sweep", tiny_space.name)
    assert again.returncode == 0
    assert f"to measure: nothing; {CELLS} done before" in again.stderr
    assert stored(tiny_space.parent) == records

    nowhere = run_bench("sweep", tiny_space.name, "--reports", f"{tiny_space.name}/reports")
    assert nowhere.returncode == 2, "a sweep that measured everything is not one that measured nothing"
    assert "cannot write" in nowhere.stderr


@pytest.mark.parametrize("after", [1, 5, 10], ids=["while counting", "while training", "while timing"])
def test_killed_sweep_resumes_with_nothing_lost_or_measured_twice(
    tiny_space: Path, run_bench: RunBench, after: int
) -> None:
    folder = tiny_space.parent
    with running_sweep(tiny_space) as process:
        wait_for(lambda: len(stored(folder)) >= after, process)
        workers = workers_of(psutil.Process(process.pid))
        process.kill()
        process.wait()
    before = stored(folder)
    assert after <= len(before) < CELLS
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE], "a worker outlived its sweep"

    done = run_bench("sweep", tiny_space.name)
    assert done.returncode == 0, done.stderr
    records = stored(folder)
    assert records[: len(before)] == before
    assert len(records) == CELLS
    assert len({r["key"] for r in records}) == CELLS


def test_polite_stop_says_how_to_go_on(tiny_space: Path) -> None:
    with running_sweep(tiny_space) as process:
        wait_for(lambda: stored(tiny_space.parent), process)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the same command goes on from here" in errors
    assert "Traceback" not in errors


def test_a_cell_that_dies_is_recorded_and_the_sweep_goes_on(tiny_space: Path, run_bench: RunBench) -> None:
    """A worker is killed as the system does when memory runs out."""
    space = tiny_space.with_name("slow.yaml")
    space.write_text(TINY_SPACE.replace("epochs: 2", "epochs: 40").replace("[[], [3, 4]]", "[[3, 4]]"))
    with running_sweep(space) as process:
        wait_for(lambda: len(stored(space.parent)) == 2, process)
        parent = psutil.Process(process.pid)
        wait_for(lambda: len(workers_of(parent)) == 2, process)
        time.sleep(1)  # both are in their training
        workers_of(parent)[0].kill()
        output, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    accuracy = [r for r in stored(space.parent) if r["group"] == "accuracy"]
    assert sorted(r["status"] for r in accuracy) == ["failed", "ok"]
    (failed,) = [r for r in accuracy if r["status"] == "failed"]
    assert "SIGKILL" in failed["reason"]
    assert "SIGKILL" in output

    again = run_bench("sweep", space.name)
    assert "1 of those failed; --retry-failed measures them again" in again.stderr
    retried = run_bench("sweep", space.name, "--retry-failed")
    assert "measured 1, failed 0" in retried.stderr


def test_time_out_is_a_record(tiny_space: Path, run_bench: RunBench) -> None:
    tiny_space.write_text(TINY_SPACE.replace("epochs: 2", "epochs: 9000").replace("[[], [3, 4]]", "[[3, 4]]"))
    done = run_bench("sweep", tiny_space.name, "--timeout", "6")
    failed = [r for r in stored(tiny_space.parent) if r["status"] == "failed"]
    assert {r["group"] for r in failed} == {"accuracy"}
    assert all("time-out: not done after 6 s" in r["reason"] for r in failed)
    assert done.returncode == 3
    assert "no accuracy record to show, 2 failed" in done.stderr


def test_dry_run_measures_nothing_and_forecasts(tiny_space: Path, run_bench: RunBench) -> None:
    done = run_bench("sweep", tiny_space.name, "--dry-run")
    assert done.returncode == 0
    assert "4 variants of 4 combinations" in done.stderr
    assert "to measure: 4 cost, 4 accuracy, 8 latency; 0 done before" in done.stderr
    assert "about " in done.stderr
    assert len(done.stdout.splitlines()) == 4
    assert not (tiny_space.parent / "results").exists()


def test_another_sweep_reuses_the_same_measurements(tiny_space: Path, run_bench: RunBench) -> None:
    run_bench("sweep", tiny_space.name)
    renamed = tiny_space.with_name("renamed.yaml")
    renamed.write_text(TINY_SPACE.replace("name: tiny", "name: renamed"))
    done = run_bench("sweep", renamed.name)
    assert "to measure: 8 latency; 0 done before, 8 taken from other sweeps" in done.stderr
    assert "measured 8, failed 0; 0 done before, 8 taken from other sweeps" in done.stderr
    assert len(list((tiny_space.parent / "results" / "renamed").glob("*.jsonl"))) == 1


def test_refusal_comes_before_any_measurement(tiny_space: Path, run_bench: RunBench) -> None:
    tiny_space.write_text(TINY_SPACE.replace("lcnet_050", "lcnet_005"))
    done = run_bench("sweep", tiny_space.name)
    assert done.returncode == 2
    assert "Did you mean" in done.stderr
    assert "Traceback" not in done.stderr
    assert not stored(tiny_space.parent)
