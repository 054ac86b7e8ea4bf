"""mIoU against torchmetrics, and the conventions by hand."""

import numpy as np
import pytest
import torch
from torchmetrics.classification import MulticlassConfusionMatrix, MulticlassJaccardIndex

from bench.accuracy.confusion import IGNORE, class_iou, confusion_matrix, mean_iou, miou_interval


@pytest.mark.parametrize("seed", range(5))
def test_miou_agrees_with_torchmetrics(seed: int) -> None:
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 6, (4, 20, 30)).astype(np.uint8)
    predicted = rng.integers(0, 6, target.shape).astype(np.uint8)
    target[rng.random(target.shape) < 0.2] = IGNORE
    matrix = confusion_matrix(target, predicted, 6)
    pair = torch.from_numpy(predicted).long(), torch.from_numpy(target).long()
    counted = MulticlassConfusionMatrix(6, ignore_index=IGNORE)(*pair)
    jaccard = MulticlassJaccardIndex(6, average=None, ignore_index=IGNORE)(*pair)
    assert np.array_equal(matrix, counted.numpy())
    assert class_iou(matrix) == pytest.approx(jaccard.numpy(), abs=1e-6)
    assert mean_iou(matrix) == pytest.approx(float(jaccard.mean()), abs=1e-6)


def test_only_predicted_counts_as_zero_and_absent_does_not_count() -> None:
    target = np.array([0, 0, 1, 1], np.uint8)
    predicted = np.array([0, 2, 1, 1], np.uint8)
    iou = class_iou(confusion_matrix(target, predicted, 4))
    assert iou[:3].tolist() == [0.5, 1.0, 0.0]
    assert np.isnan(iou[3])
    assert mean_iou(confusion_matrix(target, predicted, 4)) == 0.5


def test_one_matrix_over_the_split_is_not_the_mean_over_images() -> None:
    first = confusion_matrix(np.zeros(90, np.uint8), np.zeros(90, np.uint8), 2)
    second = confusion_matrix(np.array([0, 1], np.uint8), np.array([1, 1], np.uint8), 2)
    assert mean_iou(first + second) == pytest.approx((90 / 91 + 1 / 2) / 2)


def test_nothing_but_void_has_no_miou() -> None:
    assert np.isnan(mean_iou(confusion_matrix(np.full(4, IGNORE, np.uint8), np.zeros(4, np.uint8), 3)))


def test_interval_holds_the_value_and_shrinks_with_more_images() -> None:
    rng = np.random.default_rng(0)

    def images(count: int) -> np.ndarray:
        target = rng.integers(0, 3, (count, 50)).astype(np.uint8)
        wrong = rng.random((count, 1)) * 0.8 > rng.random(target.shape)
        predicted = np.where(wrong, (target + 1) % 3, target).astype(np.uint8)
        return np.stack([confusion_matrix(t, p, 3) for t, p in zip(target, predicted, strict=True)])

    few, many = images(10), images(400)
    assert miou_interval(few)[0] < mean_iou(few.sum(0)) < miou_interval(few)[1]
    assert np.ptp(miou_interval(many)) < np.ptp(miou_interval(few)) / 3
    void = few * 0
    assert np.isfinite(miou_interval(np.concatenate([few[:1], void[:2]]))).all()
    constant = np.repeat(few[:1], 20, axis=0)
    assert np.ptp(miou_interval(constant)) == pytest.approx(0)
