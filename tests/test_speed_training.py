"""Our trainer against a plain loop, on a few images: that it runs and says ratios. How fast is no test's to say."""

from __future__ import annotations

import re
import time
from pathlib import Path

import torch
from torch import nn

from bench.accuracy.datasets.base import OnDemand, Sample
from bench.accuracy.datasets.streets import Streets
from bench.accuracy.schedule import Schedule
from bench.accuracy.speed_training import race_steps
from tests.conftest import RunBench
from tests.test_layouts import own
from variants.names import parse_name
from variants.network import build

__all__ = ["own"]
SPEC = "lcnet_050+fpn16-head16"
READING = 0.05
"""Seconds that a slow disk takes for an image."""


def net() -> nn.Module:
    torch.manual_seed(0)
    return build(parse_name(SPEC), 9, False, None)


def test_reading_its_images_is_part_of_the_plain_loop_and_not_of_ours() -> None:
    samples = [*Streets(width=64, height=32, train=4, val=4, test=4).load("train")]

    def read(index: int) -> Sample:
        time.sleep(READING)
        return samples[index]

    schedule = Schedule(epochs=1, batch_size=2)
    race = race_steps(net, OnDemand(4, read), samples, schedule, "float32", 2, lambda number: None)
    for with_reading, without in zip(race.seconds["plain"], race.seconds["plain from memory"], strict=True):
        assert with_reading - without >= 2 * READING
    assert all(by_plain > 0 for by_plain in race.ratios("plain from memory"))


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


def test_files_are_read_by_the_plain_loop_and_both_go_to_the_end(own: Path, run_bench: RunBench) -> None:
    space = own.parent / "mine.yaml"
    space.write_text(
        f"variants: [{SPEC}]\ncost: {{size: [64, 64]}}\nlatency: null\n"
        "accuracy: {data: {name: folder}, schedule: {epochs: 1, batch_size: 2, crop: [32, 32]}}\n"
    )
    done = run_bench(
        "speed", "training", SPEC, "--space", str(space), "--data-root", str(own), "--rounds", "1", "--threads", "1",
        "--seeds", "1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "if it had its images in memory, the plain loop would make" in done.stdout
    assert re.search(r"to the end, 1 seed: val mIoU [\d.]+ % with ours", done.stdout)
