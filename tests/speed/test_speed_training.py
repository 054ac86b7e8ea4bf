"""Our trainer against a plain loop, on a few images: that it runs and says ratios. How fast is no test's to say."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from bench.settings.schedule import Schedule
from bench.speed.training_process import Subject
from tests.conftest import PROJECT, RunBench
from tests.data.test_layouts import own
from variants.names import parse_name

__all__ = ["own"]
SPEC = "lcnet_050+fpn16-head16"
BEGUN_S = 1.0
"""Seconds of a training's own, after which it is at its steps."""


def subject(data: str, root: Path | None) -> Subject:
    return Subject(
        spec=parse_name(SPEC),
        data_name=data,
        data_root=root,
        data_options={},
        schedule=Schedule(),
        weights_dir=None,
        precision="float32",
    )


def test_the_plain_loop_reads_files_when_it_needs_them_and_draws_nothing(own: Path) -> None:
    """A list is in memory; what is no list reads an image whenever it is asked for it."""
    files, drawn = subject("folder", own), subject("streets", None)
    assert not isinstance(files.train_split(from_memory=False), list)
    assert isinstance(files.train_split(from_memory=True), list)
    assert isinstance(drawn.train_split(from_memory=False), list)


def test_data_that_are_not_there_are_refused_before_anything_starts(tmp_path: Path, run_bench: RunBench) -> None:
    done = run_bench("speed", "training", SPEC, "--space", "camvid", "--data-root", str(tmp_path / "none"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert str(tmp_path / "none") in done.stderr


def test_the_command_prints_ratios(run_bench: RunBench) -> None:
    done = run_bench("speed", "training", SPEC, "--space", "quick", "--rounds", "1", "--threads", "1")
    assert done.returncode == 0, done.stderr
    number = r"[\d.]+"
    for words in (
        f"1 at once with a thread each: ours {number} images/s, as many plain loops {number}: {number} times",
        f"one training alone, 1 thread: ours {number} images/s, a plain loop {number}: {number} times as many",
    ):
        assert re.search(words, done.stdout), done.stdout
    assert "in memory" not in done.stdout  # they are drawn, there is no file


@pytest.mark.slow
def test_a_kill_leaves_no_training_behind() -> None:
    """It would go on for minutes, to the end of its schedule."""
    code = (
        "from bench.speed.training_to_end import race_to_the_end\n"
        "from tests.speed.test_speed_training import subject\n"
        "race_to_the_end(subject('streets', None), 1, [0], print)\n"
    )
    started = subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT)
    main, trains = psutil.Process(started.pid), None
    while trains is None:
        assert started.poll() is None
        time.sleep(0.1)
        with suppress(psutil.NoSuchProcess):  # one that ends while it is looked at
            busy = [worker for worker in main.children(recursive=True) if worker.cpu_times().user > BEGUN_S]
            trains = next((worker for worker in busy if worker.parent() != main), None)  # a child of the fork server
    main.kill()
    started.wait()
    trains.wait(20)


def test_files_are_read_by_the_plain_loop_and_both_go_to_the_end(own: Path, run_bench: RunBench) -> None:
    space = own.parent / "mine.yaml"
    space.write_text(
        f"variants: [{SPEC}]\ncost: {{size: [64, 64]}}\nlatency: null\n"
        "accuracy: {data: {name: folder}, schedule: {epochs: 1, batch_size: 2, crop: [32, 32]}}\n"
    )
    done = run_bench(
        "speed",
        "training",
        SPEC,
        "--space",
        str(space),
        "--data-root",
        str(own),
        "--rounds",
        "1",
        "--threads",
        "1",
        "--seeds",
        "1",
    )
    assert done.returncode == 0, done.stderr
    assert "if it had its images in memory, the plain loop would make" in done.stdout
    assert re.search(r"to the end, 1 seed: val mIoU [\d.]+ % with ours", done.stdout)
