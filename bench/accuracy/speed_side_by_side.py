"""Trainings side by side with a thread each, as a sweep makes them: ours against as many plain loops."""

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
    """Images a second of all together, one number a round; a round's were taken one after the other."""

    plain: list[float]
    ours: list[float]
    at_once: int
    """Trainings."""

    def ratios(self) -> list[float]:
        """How many times as many images ours train as the plain loops, round by round."""
        return [ours / plain for ours, plain in zip(self.ours, self.plain, strict=True)]


def race_side_by_side(subject: Subject, at_once: int, rounds: int, on_round: Callable[[int], None]) -> ThroughputRace:
    """In turns: so many plain loops at once, and as many trainings of ours.

    Raises:
        UserError: a training was ended from outside.
    """
    race = ThroughputRace([], [], at_once)
    with ExitStack() as stack:
        plain, ours = (
            [stack.enter_context(_training(train, subject, rounds)) for _ in range(at_once)]
            for train in (_train_plainly, _train)
        )
        _hear([*plain, *ours])
        for number in range(-_WARM_UP, rounds):
            for pipes, rates in ((plain, race.plain), (ours, race.ours)):
                start = time.perf_counter()
                for pipe in pipes:
                    pipe.send(True)
                images = sum(_hear(pipes))
                if number >= 0:
                    rates.append(images / (time.perf_counter() - start))
            if number >= 0:
                on_round(number + 1)
    return race


def _hear(pipes: Sequence[Connection]) -> list[int]:
    """What all say, once they are done: how many images they trained on."""
    try:
        return [pipe.recv() for pipe in pipes]
    except EOFError:
        raise UserError(
            "a training was ended from outside, perhaps for lack of memory. Run it again with fewer --threads."
        ) from None


@contextmanager
def _training(train: Callable[[Subject, int, Connection], None], subject: Subject, rounds: int) -> Iterator[Connection]:
    """A process that trains; it says when it is ready, and after each round that it is asked for."""
    context = worker_context(__name__)
    ours, theirs = context.Pipe()
    process = context.Process(target=train, args=(subject, rounds, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.terminate()
        process.join()
        ours.close()


def _train_plainly(subject: Subject, rounds: int, pipe: Connection) -> None:
    torch.set_num_threads(1)
    course = Course(subject.net().train(), None, None, subject.schedule, _STEPS * (rounds + _WARM_UP))
    _answer(pipe, course, subject, subject.train_split(), lambda batch: plain_step(course, batch, subject.schedule))


def _train(subject: Subject, rounds: int, pipe: Connection) -> None:
    torch.set_num_threads(1)
    net = subject.net().train().to(memory_format=torch.channels_last)
    course = Course(net, None, None, subject.schedule, _STEPS * (rounds + _WARM_UP))
    passes, augment, random = Passes.plain(net, subject.precision), Augment(subject.schedule), np.random.default_rng(0)
    _answer(
        pipe, course, subject, list(subject.train_split()),
        lambda batch: course.update(passes.loss(course.step, *augment.batch(batch, random))),
    )  # fmt: skip


def _answer(
    pipe: Connection, course: Course, subject: Subject, samples: Sequence[Sample],
    step: Callable[[Sequence[Sample]], float],
) -> None:  # fmt: skip
    """Make some steps whenever asked; reading their images is part of them."""
    size = min(subject.schedule.batch_size, len(samples))
    pipe.send(0)
    while pipe.recv():
        for _ in range(_STEPS):
            step([samples[(course.step * size + i) % len(samples)] for i in range(size)])
        pipe.send(_STEPS * size)
