"""Trainings side by side with a thread each, as a sweep makes them, against a plain loop that has all threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from bench.accuracy.augment import Augment
from bench.accuracy.course import Course
from bench.accuracy.datasets import open_dataset
from bench.accuracy.datasets.base import Dataset, Sample
from bench.accuracy.datasets.files import FileDataset
from bench.accuracy.plain_loop import plain_step
from bench.accuracy.precision import TrainPrecision
from bench.accuracy.schedule import Schedule
from bench.accuracy.train import Passes
from bench.errors import UserError
from bench.fork_server import worker_context
from variants.network import build
from variants.spec import VariantSpec

_STEPS = 3
"""Of every training in a round."""
_WARM_UP = 2
"""Rounds."""


@dataclass(frozen=True)
class Subject:
    """A variant, its data and its schedule, as another process can be told them."""

    spec: VariantSpec
    data_name: str
    data_root: Path | None
    data_options: dict[str, Any]
    schedule: Schedule
    weights_dir: Path | None
    precision: TrainPrecision

    def dataset(self) -> Dataset:
        """The data set, not read yet."""
        return open_dataset(self.data_name, self.data_root, self.data_options)

    def train_split(self) -> Sequence[Sample]:
        """Read when asked where there are files; what is drawn is drawn before, for no loop draws its images."""
        data = self.dataset()
        return data.load("train") if isinstance(data, FileDataset) else list(data.load("train"))

    def net(self, seed: int = 0) -> nn.Module:
        """Before training."""
        torch.manual_seed(seed)
        classes = len(self.dataset().classes)
        return build(self.spec, classes, self.schedule.pretraining == "imagenet", self.weights_dir)


@dataclass(frozen=True)
class ThroughputRace:
    """Images a second, one number a round; a round's were taken one after the other. at_once: trainings of ours."""

    plain: list[float]
    ours: list[float]
    at_once: int

    def ratios(self) -> list[float]:
        """How many times as many images ours train as the plain loop, round by round."""
        return [ours / plain for ours, plain in zip(self.ours, self.plain, strict=True)]


def race_side_by_side(subject: Subject, at_once: int, rounds: int, on_round: Callable[[int], None]) -> ThroughputRace:
    """In turns: a plain loop alone with the threads of this process, and so many trainings of ours at once.

    Raises:
        UserError: a training was ended from outside.
    """
    samples, schedule = subject.train_split(), subject.schedule
    size = min(schedule.batch_size, len(samples))
    course = Course(subject.net().train(), None, None, schedule, _STEPS * (rounds + _WARM_UP))
    race = ThroughputRace([], [], at_once)
    with ExitStack() as stack:
        pipes = [stack.enter_context(_training(subject, rounds)) for _ in range(at_once)]
        _hear(pipes)
        for number in range(-_WARM_UP, rounds):
            start = time.perf_counter()
            for _ in range(_STEPS):
                plain_step(course, [samples[i] for i in _batch(course.step, size, len(samples))], schedule)
            middle = time.perf_counter()
            for pipe in pipes:
                pipe.send(True)
            _hear(pipes)
            end = time.perf_counter()
            if number >= 0:
                race.plain.append(_STEPS * size / (middle - start))
                race.ours.append(at_once * _STEPS * size / (end - middle))
                on_round(number + 1)
    return race


def _batch(step: int, size: int, count: int) -> list[int]:
    return [(step * size + i) % count for i in range(size)]


def _hear(pipes: Sequence[Connection]) -> None:
    """Wait until all are done."""
    try:
        for pipe in pipes:
            pipe.recv()
    except EOFError:
        raise UserError(
            "a training was ended from outside, perhaps for lack of memory. Run it again with fewer --threads."
        ) from None


@contextmanager
def _training(subject: Subject, rounds: int) -> Iterator[Connection]:
    """A process that trains; it says when it is ready, and after each round that it is asked for."""
    context = worker_context(__name__)
    ours, theirs = context.Pipe()
    process = context.Process(target=_train, args=(subject, rounds, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.terminate()
        process.join()
        ours.close()


def _train(subject: Subject, rounds: int, pipe: Connection) -> None:
    torch.set_num_threads(1)
    samples, schedule = list(subject.train_split()), subject.schedule
    net = subject.net().train().to(memory_format=torch.channels_last)
    course = Course(net, None, None, schedule, _STEPS * (rounds + _WARM_UP))
    passes, augment, random = Passes.plain(net, subject.precision), Augment(schedule), np.random.default_rng(0)
    size = min(schedule.batch_size, len(samples))
    pipe.send(True)
    while pipe.recv():
        for _ in range(_STEPS):
            batch = [samples[i] for i in _batch(course.step, size, len(samples))]
            course.update(passes.loss(course.step, *augment.batch(batch, random)))
        pipe.send(True)
