"""Our trainer against a plain loop, on a few images: that it runs and says ratios. How fast is no test's to say."""

from __future__ import annotations

import re
import time

import torch
from torch import nn

from bench.accuracy.datasets.base import OnDemand, Sample
from bench.accuracy.datasets.streets import Streets
from bench.accuracy.schedule import Schedule
from bench.accuracy.speed_training import race_steps
from tests.conftest import RunBench
from variants.names import parse_name
from variants.network import build

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


def test_the_command_prints_ratios_and_what_both_reach(run_bench: RunBench) -> None:
    done = run_bench("speed", "training", SPEC, "--space", "quick", "--rounds", "1", "--threads", "1")
    assert done.returncode == 0, done.stderr
    assert re.search(r"ours [\d.]+ images/s; a plain loop [\d.]+, ours [\d.]+ times as many", done.stdout)
    assert "with its images in memory" not in done.stdout  # they are drawn, there is no file
