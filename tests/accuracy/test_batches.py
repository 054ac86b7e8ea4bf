"""Batches depend on the seed and the step: not on where a training started, nor on who made them."""

import torch

from bench.accuracy.batches import Batch, Batches
from bench.settings.schedule import Schedule
from tests.accuracy.test_training import halves

SCHEDULE = Schedule(batch_size=4, crop=(40, 32), scale=(0.5, 1.0))


def batches(start: int, end: int, seed: int = 0, threads: int = 0) -> list[Batch]:
    return list(Batches(halves(13, 0), SCHEDULE, seed, threads).between(start, end))


def equal(one: list[Batch], other: list[Batch]) -> bool:
    return all(torch.equal(a, b) for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True))


def test_threads_make_the_same_batches() -> None:
    assert equal(batches(0, 7), batches(0, 7, threads=3))


def test_a_start_in_the_middle_gives_the_same_batches() -> None:
    assert equal(batches(0, 7)[4:], batches(4, 7))


def test_seeds_and_epochs_differ() -> None:
    assert not equal(batches(0, 3), batches(0, 3, seed=1))
    assert not equal(batches(0, 3), batches(3, 6))


def test_an_epoch_shows_no_image_twice() -> None:
    samples = halves(13, 0)
    for number, sample in enumerate(samples):
        sample.image[:] = number
    shown = Batches(samples, Schedule(batch_size=4), 0).between(0, 3)
    assert len({int(image.max()) for images, _ in shown for image in images}) == 12
