"""Our trainer and a plain PyTorch loop, both to the end of their schedule: how long it takes, and to which mIoU."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

import torch
from torch import Tensor, nn

from bench.accuracy.course import Course
from bench.accuracy.evaluate import Result, evaluate
from bench.accuracy.losses import class_weights
from bench.accuracy.train import set_batch_norm_momentum, train
from bench.data.base import Sample
from bench.settings.schedule import Schedule
from bench.speed.plain_loop import plain_step
from bench.speed.training_process import Loop, Subject, hear, process
from bench.stats.bootstrap import miou_difference
from bench.stats.interval import Interval


@dataclass(frozen=True)
class EndRace:
    """Both trained to the end: seconds of training, results on the validation split, and the paired difference."""

    seconds: dict[Loop, float]
    results: dict[Loop, list[Result]]
    difference: Interval
    """mIoU of ours less that of the plain loop."""


def race_to_the_end(
    subject: Subject, threads: int, seeds: Sequence[int], on_trained: Callable[[str, int, float], None]
) -> EndRace:
    """Train with both loops from each seed, one after the other.

    Raises:
        UserError: a training was ended from outside.
    """
    seconds: dict[Loop, float] = {"plain": 0.0, "bench": 0.0}
    results: dict[Loop, list[Result]] = {"plain": [], "bench": []}
    for seed in seeds:
        for loop in seconds:
            with process(_train_to_the_end, subject, loop, threads, seed) as pipe:
                took, result = hear([pipe])[0]
            seconds[loop] += took
            results[loop].append(result)
            on_trained(loop, seed, result.miou.value)
    matrices = {loop: [result.per_image for result in of] for loop, of in results.items()}
    return EndRace(seconds, results, miou_difference(matrices["plain"], matrices["bench"]))


def _train_to_the_end(pipe: Connection, subject: Subject, loop: Loop, seed: int) -> None:
    """Say how long it took, and the result on the validation split."""
    net, samples = subject.net(seed), subject.train_split(from_memory=False)
    data, schedule = subject.dataset(), subject.schedule
    classes = len(data.classes)
    if loop == "plain":
        weight = class_weights(
            samples, classes, schedule.class_weighting
        )  # ours has them of the one read that it makes
        start = time.perf_counter()
        _train_plainly(net, samples, weight=weight, schedule=schedule, seed=seed)
    else:
        start = time.perf_counter()
        train(net, list(samples), classes=classes, schedule=schedule, seed=seed, precision=subject.precision)
    seconds = time.perf_counter() - start
    pipe.send((seconds, evaluate(net, data.load("val"), classes)))


def _train_plainly(
    net: nn.Module, samples: Sequence[Sample], weight: Tensor | None, schedule: Schedule, seed: int
) -> None:
    """With the recipe's class weights and momentum of batch norms, which both loops have; without its other options."""
    torch.manual_seed(seed)
    set_batch_norm_momentum(net)
    size = min(schedule.batch_size, len(samples))
    steps = schedule.epochs * (len(samples) // size)
    course = Course(net.train(), None, contrast=None, schedule=schedule, steps=steps)
    while course.step < steps:
        order = torch.randperm(len(samples)).tolist()
        for at in range(len(samples) // size):
            plain_step(course, [samples[i] for i in order[at * size : (at + 1) * size]], schedule, weight)
