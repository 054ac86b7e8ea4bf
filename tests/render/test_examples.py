"""Example predictions: the same images for all variants, small, and no part of what is committed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.accuracy.examples import WIDTH, example_places, predicted_examples, small_image, small_mask
from bench.data.base import Sample
from bench.render.freshness import stale_files
from bench.render.page.examples import page_examples
from bench.render.sweep.report import write_report
from bench.settings.evaluation import Evaluation
from bench.stats.confusion import IGNORE
from bench.storage.predictions import Predictions
from tests.render.test_committed import committed_study


@pytest.mark.parametrize(("images", "places"), [(0, []), (1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (101, [16, 50, 84])])
def test_examples_are_spread_over_the_split(images: int, places: list[int]) -> None:
    assert example_places(images) == places


def test_small_pictures_keep_their_shape_and_their_labels() -> None:
    image = np.zeros((360, 480, 3), np.uint8)
    mask = np.where(np.arange(480) < 240, 3, IGNORE).astype(np.uint8)[None].repeat(360, 0)
    assert small_image(image).shape == (180, WIDTH, 3)
    assert small_image(image[:10, :20]).shape == (10, 20, 3)
    small = small_mask(mask)
    assert small.shape == (180, WIDTH)
    assert set(np.unique(small)) == {3, IGNORE}  # no label between two others


class Brightest(nn.Module):
    """The class of a pixel is the brightest of its three channels."""

    def forward(self, image: Tensor) -> Tensor:
        return image


def test_predictions_are_those_of_the_network_on_the_examples(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (7, 12, 20, 3), np.uint8)
    samples = [Sample(image, np.zeros((12, 20), np.uint8)) for image in images]
    with torch.inference_mode():
        maps = predicted_examples(Brightest(), samples, "cpu", Evaluation())
    assert all(np.array_equal(of, images[place].argmax(-1)) for of, place in zip(maps, (1, 3, 5), strict=True))
    kept = Predictions(tmp_path, "first")
    kept.save("a1", maps)
    kept.save_images("data", [images[1]], [samples[1].mask])
    again = Predictions(tmp_path, "second")  # another sweep on the same training
    assert all(map(np.array_equal, again.load("a1"), maps))
    assert np.array_equal(again.load_images("data")[0][0], images[1])
    assert again.load("a2") == []
    (tmp_path / "first" / "predictions" / "a1.npz").write_bytes(b"cut off")
    assert kept.load("a1") == []


@pytest.mark.slow
def test_the_page_shows_them_and_stays_fresh_without(tmp_path: Path) -> None:
    study = committed_study("camvid")
    kept = Predictions(tmp_path / "results", "camvid")
    assert page_examples(study, kept) is None
    picture = np.zeros((6, 8, 3), np.uint8)
    kept.save_images(study.accuracy.setting.data_fingerprint, [picture] * 3, [picture[..., 0]] * 3)
    best = next(r for r in study.records if r.group == "accuracy" and r.variant == study.rows[0]["variant"])
    kept.save(best.key, [picture[..., 0]] * 3)
    shown = page_examples(study, kept)
    assert shown is not None
    assert list(shown["maps"]) == [best.variant]
    assert shown["images"][0].startswith("data:image/jpeg;base64,")
    assert shown["maps"][best.variant][0].startswith("data:image/png;base64,")
    page = write_report(study, tmp_path / "reports", kept)
    assert '"maps":{' in page.read_text(encoding="utf-8")
    assert stale_files(lambda folder: write_report(study, folder), tmp_path / "reports") == []
