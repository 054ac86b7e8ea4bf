"""Sweeps as processes: start them, wait for what they do, and compare what two of them left."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import bench_environment
from tests.warm_start import WarmProcess

Result = tuple[Any, ...]


def stored(folder: Path) -> list[dict[str, Any]]:
    """The records; a line that is being written is none yet."""
    lines = [line for path in folder.glob("results/*/*.jsonl") for line in path.read_text().split("\n")[:-1]]
    return [json.loads(line) for line in lines]


def start_sweep(space: Path, *options: str, limits: Mapping[int, int] | None = None) -> WarmProcess:
    """limits: what `resource.setrlimit` sets for it and its workers."""
    return WarmProcess(["sweep", str(space), *options], space.parent, bench_environment(), limits)


def finished_sweep(factory: pytest.TempPathFactory, text: str, *options: str) -> Path:
    """The folder that a sweep of this space left, with what it said on stderr in `said.txt`.

    It runs once for all test processes. What changes a folder takes a copy of it.
    """
    root = factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else factory.getbasetemp()
    folder = root / f"sweep-{sha256(repr((text, options)).encode()).hexdigest()[:12]}"
    folder.mkdir(exist_ok=True)
    space, said = folder / "tiny.yaml", folder / "said.txt"
    with (folder / ".once").open("w") as once:
        fcntl.flock(once, fcntl.LOCK_EX)
        if not said.exists():
            space.write_text(text)
            process = start_sweep(space, *options)
            _, errors = process.communicate()
            assert process.returncode == 0, errors
            said.write_text(errors)
    return folder


def copied(folder: Path, to: Path) -> Path:
    """The same results and reports elsewhere; gives its space file."""
    shutil.copytree(folder, to, dirs_exist_ok=True)
    return to / "tiny.yaml"


@contextmanager
def running_sweep(space: Path, *options: str) -> Iterator[WarmProcess]:
    process = start_sweep(space, *options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_for(condition: Callable[[], object], process: WarmProcess, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the sweep ended too early"
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    """Worker processes: children of the fork server."""
    return [p for p in process.children(recursive=True) if p.ppid() != process.pid]


def results_of(folder: Path) -> dict[str, Result]:
    """By key, what two sweeps of one space have in common: of a latency, a clock's reading, how much there is."""
    settled = {r["key"]: r for r in sorted(stored(folder), key=lambda r: r["status"] == "ok")}
    return {key: _result_of(record) for key, record in settled.items()}


def _result_of(record: dict[str, Any]) -> Result:
    about, details = (record["group"], record["variant"], record["status"]), record["details"]
    if record["group"] != "latency":
        return *about, record["metrics"], {name: fact for name, fact in details.items() if name != "training_s"}
    network = [details.get(name) for name in ("weights", "weights_hash", "graph_hash")]
    return *about, sorted(record["metrics"]), len(details.get("samples_ms", ())), network


def files_of(folder: Path) -> dict[str, bytes]:
    """What a sweep left beside its records: its plan, weights and confusions, and whatever else lies there."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".jsonl" and path.name != ".lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(paths)}
