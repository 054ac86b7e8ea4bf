"""Intervals of mIoU: they hold the truth as often as they say, and a paired difference is narrower than two values."""

from __future__ import annotations

import numpy as np
import pytest

from bench.stats.bootstrap import miou_difference, miou_interval
from bench.stats.confusion import Counts, confusion_matrix
from bench.stats.scores import mean_iou

CLASSES, PIXELS = 3, 60


def images(count: int, error: float, seed: int, hardness: np.ndarray | None = None) -> Counts:
    """Matrices of images, some of which are harder: in a hard one more pixels are wrong."""
    rng = np.random.default_rng(seed)
    hardness = np.random.default_rng(seed + 999).random(count) if hardness is None else hardness
    target = rng.integers(0, CLASSES, (count, PIXELS)).astype(np.uint8)
    wrong = rng.random(target.shape) < 2 * error * hardness[:, None]
    predicted = np.where(wrong, (target + 1) % CLASSES, target).astype(np.uint8)
    return np.stack([confusion_matrix(t, p, CLASSES) for t, p in zip(target, predicted, strict=True)])


def test_an_interval_holds_the_value_and_shrinks_with_more_images() -> None:
    few, many = (miou_interval([images(count, 0.3, seed=0)]) for count in (10, 400))
    assert few.low < few.value < few.high
    assert many.high - many.low < (few.high - few.low) / 3


def test_void_images_and_equal_images() -> None:
    few = images(10, 0.3, seed=0)
    with_void = miou_interval([np.concatenate([few[:1], few[:2] * 0])])
    assert np.isfinite([with_void.low, with_void.high]).all()
    constant = miou_interval([np.repeat(few[:1], 20, axis=0)])
    assert constant.high - constant.low == pytest.approx(0)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    truth = float(mean_iou(images(20_000, 0.3, seed=1).sum(axis=0)))
    intervals = [miou_interval([images(60, 0.3, seed=seed)], resamples=300) for seed in range(2, 122)]
    held = np.mean([interval.low <= truth <= interval.high for interval in intervals])
    assert 0.88 <= held <= 1


def test_more_seeds_that_differ_widen_the_interval() -> None:
    hardness = np.full(100, 0.5)
    alike = [images(100, 0.3, seed, hardness) for seed in (1, 2, 3)]
    apart = [images(100, error, seed, hardness) for seed, error in enumerate((0.1, 0.3, 0.5))]
    narrow, wide = miou_interval(alike), miou_interval(apart)
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)
    assert wide.value == pytest.approx(np.mean([mean_iou(run.sum(axis=0)) for run in apart]))


def test_a_paired_difference_is_narrower_than_its_two_values() -> None:
    hardness = np.random.default_rng(5).random(80)
    first, second = images(80, 0.32, 1, hardness), images(80, 0.28, 2, hardness)
    difference = miou_difference([first], [second])
    alone = [miou_interval([run]) for run in (first, second)]
    assert difference.value == pytest.approx(alone[1].value - alone[0].value)
    assert difference.low > 0
    assert difference.high - difference.low < alone[0].high - alone[0].low
    assert alone[0].high > alone[1].low  # the two intervals alone would not have told them apart


def test_the_same_run_does_not_differ_from_itself() -> None:
    run = images(30, 0.3, seed=0)
    same = miou_difference([run], [run])
    assert (same.low, same.value, same.high) == (0, 0, 0)


def test_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match="different images"):
        miou_difference([images(5, 0.3, 0)], [images(6, 0.3, 0)])
