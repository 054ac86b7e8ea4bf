"""Our trainer against a plain PyTorch loop: steps in turns on the same batches, and both to the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

import numpy as np
import torch
from torch import nn

from bench.accuracy.augment import Augment
from bench.accuracy.bootstrap import Interval, miou_difference
from bench.accuracy.course import Course
from bench.accuracy.datasets.base import Sample
from bench.accuracy.evaluate import Result, evaluate
from bench.accuracy.plain_loop import plain_step
from bench.accuracy.precision import TrainPrecision
from bench.accuracy.schedule import Schedule
from bench.accuracy.train import Passes, set_batch_norm_momentum, train

MakeNet = Callable[[], nn.Module]


Loop = Literal["plain", "plain from memory", "bench"]
"""The plain loop reads each image when it is asked for it; from memory: without the time that this takes."""


@dataclass(frozen=True)
class StepRace:
    """Seconds of a step by loop, one a round; a round's were taken one after the other."""

    seconds: dict[Loop, list[float]]
    batch_size: int

    def ratios(self, peer: Loop) -> list[float]:
        """How many times as long the peer took as ours, round by round."""
        return [theirs / ours for theirs, ours in zip(self.seconds[peer], self.seconds["bench"], strict=True)]

    def images_a_second(self, loop: Loop) -> float:
        """The median over the rounds."""
        return self.batch_size / median(self.seconds[loop])


def race_steps(
    make_net: MakeNet, data: Sequence[Sample], samples: Sequence[Sample], schedule: Schedule, precision: TrainPrecision,
    rounds: int, on_round: Callable[[int], None],
) -> StepRace:  # fmt: skip
    """Train two networks of one start on the same images, a step of each in turns; the first two rounds warm up.

    Args:
        data: the training split, read when asked. samples: the same in memory, as our trainer keeps it.
    """
    plain = Course(make_net().train(), None, None, schedule, rounds + 2)
    net = make_net().train().to(memory_format=torch.channels_last)
    ours, passes = Course(net, None, None, schedule, rounds + 2), Passes.plain(net, precision)
    augment, random = Augment(schedule), np.random.default_rng(0)
    size = min(schedule.batch_size, len(samples))
    seconds: dict[Loop, list[float]] = {"plain": [], "plain from memory": [], "bench": []}
    for number in range(-2, rounds):
        picked = [(number * size + i) % len(samples) for i in range(size)]
        batch = [samples[i] for i in picked]
        start = time.perf_counter()
        read = [data[i] for i in picked]
        after_reading = time.perf_counter()
        plain_step(plain, read, schedule)
        middle = time.perf_counter()
        ours.update(passes.loss(ours.step, *augment.batch(batch, random)))
        end = time.perf_counter()
        if number >= 0:
            seconds["plain"].append(middle - start)
            seconds["plain from memory"].append(middle - after_reading)
            seconds["bench"].append(end - middle)
            on_round(number + 1)
    return StepRace(seconds, size)


@dataclass(frozen=True)
class EndRace:
    """Both trained to the end: seconds of training, results on the validation split, and the paired difference."""

    seconds: dict[str, float]
    results: dict[str, list[Result]]
    difference: Interval
    """mIoU of ours less that of the plain loop."""


def race_to_the_end(
    make_net: Callable[[int], nn.Module], train_data: Sequence[Sample], val_samples: Sequence[Sample], classes: int,
    schedule: Schedule, precision: TrainPrecision, seeds: Sequence[int], on_trained: Callable[[str, int, float], None],
) -> EndRace:  # fmt: skip
    """Train with both loops from each seed, one after the other; both get data that is read when asked."""
    seconds = {"plain": 0.0, "bench": 0.0}
    results: dict[str, list[Result]] = {"plain": [], "bench": []}
    for seed in seeds:
        for loop in seconds:
            net = make_net(seed)
            start = time.perf_counter()
            if loop == "plain":
                _train_plainly(net, train_data, schedule, seed)
            else:
                train(net, list(train_data), classes, schedule, seed, precision=precision)
            seconds[loop] += time.perf_counter() - start
            results[loop].append(evaluate(net, val_samples, classes))
            on_trained(loop, seed, results[loop][-1].miou.value)
    matrices = {loop: [result.per_image for result in of] for loop, of in results.items()}
    return EndRace(seconds, results, miou_difference(matrices["plain"], matrices["bench"]))


def _train_plainly(net: nn.Module, samples: Sequence[Sample], schedule: Schedule, seed: int) -> None:
    torch.manual_seed(seed)
    set_batch_norm_momentum(net)  # a property of the recipe, not of the loop
    size = min(schedule.batch_size, len(samples))
    steps = schedule.epochs * (len(samples) // size)
    course = Course(net.train(), None, None, schedule, steps)
    while course.step < steps:
        order = torch.randperm(len(samples)).tolist()
        for at in range(len(samples) // size):
            plain_step(course, [samples[i] for i in order[at * size : (at + 1) * size]], schedule)
