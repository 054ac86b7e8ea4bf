"""Windows, mirrors and scales give what one pass gives where they must, and boundary IoU is that of its authors."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy import ndimage
from torch import Tensor, nn

from bench.accuracy.boundary import boundary_counts, boundary_distance, boundary_iou
from bench.accuracy.evaluate import evaluate
from bench.accuracy.predict import predict, starts
from bench.data.base import Sample
from bench.settings.evaluation import Evaluation
from bench.stats.confusion import IGNORE, confusion_matrix
from bench.stats.scores import mean_iou

IMAGE = torch.rand(1, 3, 70, 100, generator=torch.Generator().manual_seed(0))


class PixelNet(nn.Module):
    """Looks at single pixels: windows and mirrors cannot change what it says. Counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 5, 1)
        self.calls: list[tuple[int, int]] = []

    def forward(self, image: Tensor) -> Tensor:
        self.calls.append((image.shape[-1], image.shape[-2]))
        return cast(Tensor, self.conv(image))


def test_windows_and_mirrors_agree_with_one_pass() -> None:
    net = PixelNet()
    whole = predict(net, IMAGE, Evaluation())
    assert torch.equal(whole, net(IMAGE).argmax(dim=1)[0])
    for how in (
        Evaluation(mode="sliding", window=(48, 40)),
        Evaluation(mode="sliding", window=(48, 40), overlap=0),
        Evaluation(mode="sliding", window=(2000, 2000)),
        Evaluation(flip=True),
        Evaluation(mode="sliding", window=(64, 32), flip=True),
    ):
        net.calls.clear()
        assert (predict(net, IMAGE, how) == whole).float().mean() > 0.999
        assert max(net.calls) <= (100, 70)


def test_windows_cover_the_side_and_overlap_as_asked() -> None:
    for length, window, overlap in [(100, 48, 1 / 3), (100, 100, 0.5), (101, 50, 0), (2048, 769, 1 / 3), (40, 33, 0.9)]:
        first = starts(length, window, overlap)
        assert first[0] == 0
        assert first[-1] == length - window
        steps = np.diff(first)
        assert (steps >= 1).all()
        assert (steps <= window * (1 - overlap) + 1).all()


def test_scales_are_run_at_their_size_and_averaged() -> None:
    net = PixelNet()
    predict(net, IMAGE, Evaluation(scales=(0.5, 1.0, 2.0), flip=True))
    assert net.calls == [(50, 35)] * 2 + [(100, 70)] * 2 + [(200, 140)] * 2
    smooth = torch.linspace(0, 1, 100).expand(1, 3, 70, 100)
    several = predict(net, smooth, Evaluation(scales=(0.5, 1.0)))
    assert (several == predict(net, smooth, Evaluation())).float().mean() > 0.97


def test_a_mirror_mends_a_one_sided_network() -> None:
    class LeftIsOne(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            score = torch.linspace(3, -1, image.shape[-1]).expand(1, 1, *image.shape[-2:])
            return torch.cat([torch.zeros_like(score), score], dim=1)

    alone = predict(LeftIsOne(), IMAGE, Evaluation())
    assert alone[0, 0] != alone[0, -1]
    mirrored = predict(LeftIsOne(), IMAGE, Evaluation(flip=True))
    assert torch.equal(mirrored, mirrored.flip(-1))


@pytest.mark.parametrize("wrong", [{"mode": "sliding"}, {"window": (64, 64)}, {"scales": ()}, {"overlap": 1.0}])
def test_what_cannot_be_meant_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Evaluation.model_validate(wrong)


def test_a_matrix_of_every_image_is_given() -> None:
    rng = np.random.default_rng(0)
    samples = [
        Sample(rng.integers(0, 256, (32, 40, 3), np.uint8), rng.integers(0, 5, (32, 40), np.uint8)) for _ in range(4)
    ]
    net = PixelNet()
    result = evaluate(net, samples, 5, how=Evaluation(boundary=True))
    assert result.per_image.shape == (4, 5, 5)
    for sample, matrix in zip(samples, result.per_image, strict=True):
        image = torch.from_numpy(sample.image).permute(2, 0, 1)[None].float() / 255
        predicted = net(image).argmax(dim=1)[0].numpy().astype(np.uint8)
        assert np.array_equal(matrix, confusion_matrix(sample.mask, predicted, 5))
    assert result.miou.value == pytest.approx(mean_iou(result.per_image.sum(axis=0)))
    assert result.boundary_iou is not None


def authors_boundary(labels: NDArray[np.uint8], of: int, distance: int) -> NDArray[np.bool_]:
    """As in the code of Cheng et al.: the mask, padded, less its erosion by a 3x3 square, `distance` times over."""
    padded = np.pad(labels == of, 1)
    eroded = ndimage.binary_erosion(padded, np.ones((3, 3)), iterations=distance)
    return cast("NDArray[np.bool_]", (padded & ~eroded)[1:-1, 1:-1])


@pytest.mark.parametrize("seed", range(3))
def test_boundary_iou_is_that_of_its_authors(seed: int) -> None:
    rng = np.random.default_rng(seed)
    target, predicted = (np.kron(rng.integers(0, 3, (5, 6)), np.ones((20, 25))).astype(np.uint8) for _ in range(2))
    predicted[:, 7:] = predicted[:, :-7].copy()
    distance = boundary_distance(*target.shape)
    assert distance == 4
    expected = []
    for of in range(3):
        first, second = (authors_boundary(labels, of, distance) for labels in (target, predicted))
        expected.append((first & second).sum() / (first | second).sum())
    assert boundary_iou(boundary_counts(target, predicted, 3)) == pytest.approx(expected, abs=1e-12)


def test_void_is_no_contour() -> None:
    target = np.zeros((50, 50), np.uint8)
    target[20:30, 20:30] = IGNORE
    counts = boundary_counts(target, np.zeros_like(target), 2)
    frame = 50 * 50 - 48 * 48
    assert counts.tolist() == [[frame, 0]] * 3
    assert np.isnan(boundary_iou(counts)[1])
