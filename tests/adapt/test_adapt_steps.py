"""Pre-processing steps: each does what its name says, by an oracle of its own."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import bench.adapt.steps as registry
from bench.adapt.step_latency import median_interval, time_steps
from bench.adapt.steps import STEPS, StepEntry, check_steps, fit_step, step_words
from bench.adapt.steps.gamma import fit_exponent
from bench.data.streets import Streets
from bench.errors import UserError
from bench.settings.latency import LatencySetting
from variants.names import parse_name
from variants.network import build

Picture = NDArray[np.uint8]
SOURCE = [sample.image for sample in Streets(96, 64).load("train")[:8]]
NEW = [sample.image for sample in Streets(96, 64, seed=1).load("train")[:8]]


def darkened(image: Picture, exponent: float) -> Picture:
    levels: Picture = (255 * (image / 255) ** exponent).round().astype(np.uint8)
    return levels


DARK = [darkened(image, 2.0) for image in NEW]


@pytest.mark.parametrize("name", [*STEPS, "clahe+denoise", "gamma+grey_world"])
def test_every_step_keeps_size_and_type_and_is_the_same_every_time(name: str) -> None:
    step = fit_step(name, SOURCE, DARK)
    once = step(DARK[0])
    assert once.shape == DARK[0].shape
    assert once.dtype == np.uint8
    assert np.array_equal(once, pickle.loads(pickle.dumps(step))(DARK[0]))
    assert np.array_equal(once, fit_step(name, SOURCE, DARK)(DARK[0]))


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("shade", [(0, 0, 0), (255, 255, 255), (90, 40, 9)])
def test_images_without_content_pass_through_every_step(name: str, shade: tuple[int, int, int]) -> None:
    flat = np.full((40, 56, 3), shade, np.uint8)
    half = flat.copy()
    half[:20] = 200
    for image in (flat, half):
        assert fit_step(name, SOURCE, [image])(image).shape == image.shape


def test_histogram_gives_the_levels_of_the_training_images() -> None:
    step = fit_step("histogram", SOURCE, DARK)
    matched, wanted = np.stack([step(image) for image in DARK]), np.stack(SOURCE)
    for channel in range(3):
        for percent in (5, 25, 50, 75, 95):
            ours, theirs = (np.percentile(images[..., channel], percent) for images in (matched, wanted))
            assert abs(ours - theirs) <= 4


def test_gamma_finds_the_exponent_that_darkened_the_images() -> None:
    assert fit_exponent(SOURCE, [darkened(image, 2.0) for image in SOURCE]) == pytest.approx(0.5, rel=0.02)
    assert fit_exponent(SOURCE, SOURCE) == pytest.approx(1.0, rel=1e-3)
    brightened = [fit_step("gamma", SOURCE, DARK)(image) for image in DARK]
    assert np.mean(brightened) == pytest.approx(np.mean(SOURCE), abs=1.0)


def test_gamma_stops_at_an_eighth_where_no_exponent_is_enough() -> None:
    assert fit_exponent([np.full((4, 4, 3), 255, np.uint8)], [np.full((4, 4, 3), 1, np.uint8)]) == pytest.approx(1 / 8)


def test_grey_world_makes_the_mean_colour_grey() -> None:
    yellow = (NEW[0] * np.array([0.9, 0.8, 0.4])).astype(np.uint8)
    balanced = fit_step("grey_world", SOURCE, [yellow])(yellow)
    assert np.ptp(balanced.mean(axis=(0, 1))) < 1.5
    assert np.ptp(yellow.mean(axis=(0, 1))) > 20


def test_clahe_raises_local_contrast_and_keeps_colours() -> None:
    pale = (100 + NEW[0] / 8).astype(np.uint8)
    clear = fit_step("clahe", SOURCE, [pale])(pale)
    assert clear.mean(axis=2).std() > 2 * pale.mean(axis=2).std()
    hues = [image.astype(float)[..., 0] - image[..., 2] for image in (pale, clear)]
    assert abs(hues[0] - hues[1]).mean() < 2


def test_denoise_comes_nearer_to_the_clean_image() -> None:
    rows, columns = np.mgrid[:96, :128]
    clean = np.stack([128 + 80 * np.sin(columns / 30), 2.0 * rows, 255 - 1.5 * columns], axis=-1)
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, 15, clean.shape), 0, 255).astype(np.uint8)
    denoised = fit_step("denoise", SOURCE, [noisy])(noisy)
    assert ((denoised - clean) ** 2).mean() < 0.3 * ((noisy - clean) ** 2).mean()


def test_joined_steps_are_fitted_on_what_those_before_them_give() -> None:
    joined = fit_step("grey_world+gamma", SOURCE, DARK)
    first = fit_step("grey_world", SOURCE, DARK)
    second = fit_step("gamma", SOURCE, [first(image) for image in DARK])
    assert np.array_equal(joined(DARK[1]), second(first(DARK[1])))
    assert step_words("grey_world+gamma").count("; then ") == 1


def test_unknown_steps_are_refused_with_the_closest_name() -> None:
    with pytest.raises(UserError, match=r"step 'clahee' of 'clahee\+gamma' is not one of histogram.*mean 'clahe'\?"):
        check_steps(["histogram", "clahee+gamma"])
    with pytest.raises(UserError, match="step '' of"):
        check_steps(["clahe+"])
    with pytest.raises(ValueError, match="got 0 and 1"):
        fit_step("gamma", [], NEW[:1])


def test_a_missing_package_is_refused_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = StepEntry("bench.adapt.steps.clahe", "words", ("no_such_package",), "adapt")
    monkeypatch.setitem(registry.STEPS, "clahe", entry)
    with pytest.raises(UserError, match=r"needs no_such_package.*segmentation-bench\[adapt\]"):
        check_steps(["gamma+clahe"])


@pytest.mark.slow
def test_times_of_a_step_alone_and_inside_the_clocks_scope() -> None:
    net = build(parse_name("lcnet_050+fpn16-head8"), 4)
    threads = torch.get_num_threads()

    def slow(image: Picture) -> Picture:
        for _ in range(3):
            np.sort(np.repeat(image.ravel(), 8))
        return image

    setting = LatencySetting(size=(96, 64), classes=4, scope="transfer")
    found = time_steps({"same": lambda image: image, "slow": slow}, net, NEW[0], setting, passes=24)
    same, slow_one = found
    assert len(same.step_ms) == len(same.network_ms) == len(same.with_step_ms) == 24
    told = slow_one.to_json()
    assert told["step_ms"]["median"] > 10 * same.to_json()["step_ms"]["median"]
    assert slow_one.added.low > 0, "the step is inside the scope"
    assert slow_one.added.value == pytest.approx(told["step_ms"]["median"], rel=0.5)
    assert same.ratio < slow_one.ratio
    assert told["label"].endswith("scope transfer")
    assert torch.get_num_threads() == threads
    with pytest.raises(UserError, match="scope transfer and one image"):
        time_steps({}, net, NEW[0], LatencySetting(size=(96, 64), classes=4))
    with pytest.raises(UserError, match="the image is 96x64, the setting says 64x64"):
        time_steps({}, net, NEW[0], LatencySetting(size=(64, 64), classes=4, scope="transfer"))


def test_the_interval_of_a_median_holds_the_true_one_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    found = [median_interval(rng.exponential(size=64).tolist()) for _ in range(1000)]
    assert 0.94 <= np.mean([one.low <= np.log(2) <= one.high for one in found]) <= 0.985
    few = median_interval([3.0, 1.0, 2.0])
    assert (few.low, few.value, few.high) == (1, 2, 3)
