"""Confusion matrices and scores against torchmetrics and scikit-learn, and the conventions by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, balanced_accuracy_score, jaccard_score
from sklearn.metrics import confusion_matrix as sklearn_matrix
from torchmetrics.classification import MulticlassConfusionMatrix, MulticlassJaccardIndex

from bench.stats.confusion import IGNORE, confusion_matrix
from bench.stats.scores import class_iou, frequency_weighted_iou, mean_accuracy, mean_iou, pixel_accuracy

Pixels = NDArray[np.uint8]
CLASSES = 6


def random_pair(seed: int, run: int = 1) -> tuple[Pixels, Pixels]:
    """Target with void and prediction, of random labels in runs along a row."""
    rng = np.random.default_rng(seed)
    target, predicted = (
        np.repeat(rng.integers(0, CLASSES, (4, 20, 60 // run), np.uint8), run, axis=2) for _ in range(2)
    )
    target[rng.random(target.shape) < (0.2 if run == 1 else 0.02)] = IGNORE
    return target, predicted


@pytest.mark.parametrize("run", [1, 10])
@pytest.mark.parametrize("seed", range(3))
def test_scores_agree_with_torchmetrics(seed: int, run: int) -> None:
    target, predicted = random_pair(seed, run)
    matrix = confusion_matrix(target, predicted, CLASSES)
    pair = torch.from_numpy(predicted).long(), torch.from_numpy(target).long()
    counted = MulticlassConfusionMatrix(CLASSES, ignore_index=IGNORE)(*pair)
    jaccard = MulticlassJaccardIndex(CLASSES, average=None, ignore_index=IGNORE)(*pair)
    assert np.array_equal(matrix, counted.numpy())
    assert class_iou(matrix) == pytest.approx(jaccard.numpy(), abs=1e-6)
    assert mean_iou(matrix) == pytest.approx(float(jaccard.mean()), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_scores_agree_with_scikit_learn(seed: int) -> None:
    target, predicted = random_pair(seed)
    kept = target != IGNORE
    pair = target[kept], predicted[kept]
    matrix = confusion_matrix(target, predicted, CLASSES)
    assert np.array_equal(matrix, sklearn_matrix(*pair, labels=range(CLASSES)))
    assert mean_iou(matrix) == pytest.approx(jaccard_score(*pair, average="macro"), abs=1e-12)
    assert frequency_weighted_iou(matrix) == pytest.approx(jaccard_score(*pair, average="weighted"), abs=1e-12)
    assert pixel_accuracy(matrix) == pytest.approx(accuracy_score(*pair), abs=1e-12)
    assert mean_accuracy(matrix) == pytest.approx(balanced_accuracy_score(*pair), abs=1e-12)


def test_only_predicted_counts_as_zero_and_absent_does_not_count() -> None:
    target = np.array([0, 0, 1, 1], np.uint8)
    predicted = np.array([0, 2, 1, 1], np.uint8)
    matrix = confusion_matrix(target, predicted, 4)
    iou = class_iou(matrix)
    assert iou[:3].tolist() == [0.5, 1.0, 0.0]
    assert np.isnan(iou[3])
    assert mean_iou(matrix) == 0.5
    assert frequency_weighted_iou(matrix) == 0.75
    assert mean_accuracy(matrix) == 0.75


def test_many_matrices_score_as_each_alone() -> None:
    matrices = np.stack([confusion_matrix(*random_pair(seed), CLASSES) for seed in range(5)])
    for score in (mean_iou, frequency_weighted_iou, pixel_accuracy, mean_accuracy):
        assert score(matrices).tolist() == [float(score(matrix)) for matrix in matrices]


def test_one_matrix_over_the_split_is_not_the_mean_over_images() -> None:
    first = confusion_matrix(np.zeros(90, np.uint8), np.zeros(90, np.uint8), 2)
    second = confusion_matrix(np.array([0, 1], np.uint8), np.array([1, 1], np.uint8), 2)
    assert mean_iou(first + second) == pytest.approx((90 / 91 + 1 / 2) / 2)


def test_nothing_but_void_has_no_score() -> None:
    matrix = confusion_matrix(np.full(4, IGNORE, np.uint8), np.zeros(4, np.uint8), 3)
    assert not matrix.any()
    for score in (mean_iou, frequency_weighted_iou, pixel_accuracy, mean_accuracy):
        assert np.isnan(score(matrix))


def test_as_many_classes_as_a_byte_holds() -> None:
    labels = np.arange(255, dtype=np.uint8)
    assert np.array_equal(confusion_matrix(labels, labels[::-1].copy(), 255), np.eye(255, dtype=np.int64)[::-1])


@pytest.mark.parametrize(("target", "predicted"), [([0, 3], [0, 0]), ([0, 0], [3, 0]), ([IGNORE, 0], [0, 3])])
def test_a_label_beyond_the_classes_is_refused(target: list[int], predicted: list[int]) -> None:
    with pytest.raises(ValueError, match=r"not of the 3 classes|class 3 is predicted, of 3"):
        confusion_matrix(np.array(target, np.uint8), np.array(predicted, np.uint8), 3)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2,\) and prediction \(3,\)"):
        confusion_matrix(np.zeros(2, np.uint8), np.zeros(3, np.uint8), 2)


def test_what_is_predicted_in_void_does_not_matter() -> None:
    target = np.array([0, IGNORE, 1, IGNORE], np.uint8)
    assert confusion_matrix(target, np.array([0, 255, 1, 7], np.uint8), 2).tolist() == [[1, 0], [0, 1]]
