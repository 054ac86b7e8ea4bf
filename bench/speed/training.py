"""Our trainer against a plain PyTorch loop: a few steps of each in turns, on the same images."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from statistics import median

import numpy as np
import torch

from bench.accuracy.activations import avoid_copies
from bench.accuracy.augment import Augment
from bench.accuracy.course import Course
from bench.accuracy.precision import fast_gradients
from bench.accuracy.train import Passes
from bench.data.base import Sample
from bench.speed.plain_loop import plain_step
from bench.speed.training_process import Loop, Subject, hear, process

_STEPS = 3
"""Of every training in a round."""
_WARM_UP = 2
"""Rounds."""


@dataclass(frozen=True)
class Race:
    """Images a second of all trainings of a loop together, one number a round; a round's were taken in turns."""

    rates: dict[Loop, list[float]]

    def ratios(self, peer: Loop) -> list[float]:
        """How many times as many images ours trains as the peer, round by round."""
        return [ours / theirs for ours, theirs in zip(self.rates["bench"], self.rates[peer], strict=True)]

    def images_a_second(self, loop: Loop) -> float:
        """The median over the rounds."""
        return median(self.rates[loop])


def race_steps(
    subject: Subject, loops: Sequence[Loop], at_once: int, threads: int, rounds: int, on_round: Callable[[int], None]
) -> Race:
    """So many trainings of each loop at once, a few steps of one loop and then of the next; the first rounds warm up.

    Raises:
        UserError: a training was ended from outside.
    """
    rates: dict[Loop, list[float]] = {loop: [] for loop in loops}
    with ExitStack() as stack:
        of = {
            loop: [stack.enter_context(process(_answer, subject, loop, threads, rounds)) for _ in range(at_once)]
            for loop in loops
        }
        hear([pipe for pipes in of.values() for pipe in pipes])
        for number in range(-_WARM_UP, rounds):
            for loop, pipes in of.items():
                start = time.perf_counter()
                for pipe in pipes:
                    pipe.send(True)
                images = sum(hear(pipes))
                if number >= 0:
                    rates[loop].append(images / (time.perf_counter() - start))
            if number >= 0:
                on_round(number + 1)
    return Race(rates)


def _answer(pipe: Connection, subject: Subject, loop: Loop, rounds: int) -> None:
    """Make some steps whenever asked, and say on how many images; reading these is part of them."""
    samples = subject.train_split(from_memory=loop != "plain")
    size = min(subject.schedule.batch_size, len(samples))
    with _steps_of(subject, loop, _STEPS * (rounds + _WARM_UP)) as (course, step):
        pipe.send(0)
        while pipe.recv():
            for _ in range(_STEPS):
                step([samples[(course.step * size + i) % len(samples)] for i in range(size)])
            pipe.send(_STEPS * size)


@contextmanager
def _steps_of(subject: Subject, loop: Loop, steps: int) -> Iterator[tuple[Course, Callable[[Sequence[Sample]], float]]]:
    """A training, and one step of it."""
    net, schedule = subject.net().train(), subject.schedule
    if loop != "bench":
        plain = Course(net, None, contrast=None, schedule=schedule, steps=steps)
        yield plain, lambda batch: plain_step(plain, batch, schedule)
        return
    net = net.to(memory_format=torch.channels_last)
    avoid_copies(net)
    course = Course(net, None, contrast=None, schedule=schedule, steps=steps)
    passes, augment, random = Passes.plain(net, subject.precision), Augment(schedule), np.random.default_rng(0)
    with fast_gradients("cpu", net):
        yield course, lambda batch: course.update(passes.loss(course.step, *augment.batch(batch, random)))
