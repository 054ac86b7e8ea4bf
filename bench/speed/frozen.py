"""How much faster an epoch is with a frozen backbone: both ways of training in turns on the same images."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from bench.accuracy.train import train
from bench.adapt.frozen import FrozenTrainer
from bench.adapt.recipe import schedule_for
from bench.data.base import Sample
from bench.settings.accuracy import TrainPrecision
from bench.settings.adaptation import Arm
from variants.network import Network

_EPOCHS = 2
"""That are timed in a round, of both alike: each training starts with work of its own."""


@dataclass(frozen=True)
class EpochRace:
    """Seconds of an epoch, one a round; a round's were taken one after the other. features: seconds, once for all."""

    full: list[float]
    frozen: list[float]
    features: float

    @property
    def ratios(self) -> list[float]:
        """How many times as long an epoch of full fine-tuning took, round by round."""
        return [full / frozen for full, frozen in zip(self.full, self.frozen, strict=True)]


def race_epochs(
    make_net: Callable[[], Network], samples: Sequence[Sample], classes: int, precision: TrainPrecision, rounds: int
) -> EpochRace:
    """Train by both; the first round warms up.

    Args:
        make_net: builds the network that both start with.
        samples: of one size, all labelled.
    """
    size = samples[0].image.shape[1::-1]
    trainer = FrozenTrainer(make_net(), (size[0], size[1]), "cpu", precision)
    indices = range(len(samples))
    start = time.perf_counter()
    trainer.learn(indices, samples)
    race = EpochRace([], [], time.perf_counter() - start)
    nets: dict[Arm, Network] = {"full": make_net(), "frozen": make_net()}
    sides: tuple[tuple[Arm, list[float]], ...] = (("full", race.full), ("frozen", race.frozen))
    for number in range(-1, rounds):
        for arm, seconds in sides:
            schedule = schedule_for(arm, len(samples), size=(size[0], size[1]), updates=1, changes={})
            schedule = schedule.model_copy(update={"epochs": _EPOCHS})
            start = time.perf_counter()
            if arm == "full":
                train(nets[arm], samples, classes=classes, schedule=schedule, seed=number, precision=precision)
            else:
                trainer.train(nets[arm], indices, samples, classes=classes, schedule=schedule, seed=number)
            if number >= 0:
                seconds.append((time.perf_counter() - start) / _EPOCHS)
    return race


def one_start(build: Callable[[], Network]) -> Callable[[], Network]:
    """Networks that all start with the same numbers."""

    def make() -> Network:
        torch.manual_seed(0)
        return build()

    return make
