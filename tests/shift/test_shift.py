"""The shift between images: known ones are found, none is found where there is none, and steps close what they undo."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_model
from scipy.linalg import sqrtm
from sklearn.covariance import ledoit_wolf

from bench.adapt.images import Images, domain_images
from bench.adapt.steps import fit_step
from bench.data.streets import Streets
from bench.errors import UserError
from bench.shift.channels import ChannelSums
from bench.shift.distance import RAW, Shift, measure_shift
from bench.shift.frechet import frechet_distance, total_variance
from bench.shift.mahalanobis import Cloud, shrunk_covariance
from bench.shift.pooled_features import describe, open_network
from bench.shift.render.step_sheet import typical
from tests.conftest import RunBench
from variants.names import parse_name
from variants.network import Network, build

Picture = NDArray[np.uint8]
SPEC = "lcnet_050+fpn16-head8"
SOURCE = [sample.image for sample in Streets(96, 64).load("train")[:48]]
NEW = [sample.image for sample in Streets(96, 64, seed=1).load("train")[:24]]


def darkened(image: Picture) -> Picture:
    levels: Picture = (255 * (image / 255) ** 2.5).round().astype(np.uint8)
    return levels


def yellowed(image: Picture) -> Picture:
    """As bright as before on average."""
    levels: Picture = np.clip(image * np.array([1.25, 1.1, 0.65]), 0, 255).astype(np.uint8)
    return levels


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backbone that sees colours and brightness, as any with random filters does; its head has three classes."""
    path = tmp_path_factory.mktemp("weights") / "net.safetensors"
    torch.manual_seed(0)
    save_model(build(parse_name(SPEC), 3), str(path))
    return path


@pytest.fixture(scope="module")
def net(checkpoint: Path) -> Network:
    return open_network(parse_name(SPEC), 4, checkpoint, None)


def shift_of(net: Network, new: list[Picture], names: tuple[str, ...]) -> Shift:
    steps = {RAW: lambda image: image} | {name: fit_step(name, SOURCE, new) for name in names}
    ours = describe(net, SOURCE, {RAW: lambda image: image})[RAW].features
    return measure_shift(ours, {name: one.features for name, one in describe(net, new, steps).items()}, resamples=60)


@pytest.mark.parametrize(("first", "second", "channels"), [(50, 40, 8), (20, 70, 32), (30, 12, 64)])
def test_the_frechet_distance_is_that_of_the_root_of_the_matrix(first: int, second: int, channels: int) -> None:
    rng = np.random.default_rng(0)
    one = rng.normal(size=(first, channels)) @ rng.normal(size=(channels, channels))
    other = rng.normal(1, 2, size=(second, channels))
    covariances = np.cov(one.T), np.cov(other.T)
    root = np.real(sqrtm(covariances[0] @ covariances[1]))
    apart = one.mean(axis=0) - other.mean(axis=0)
    expected = apart @ apart + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-5)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-5 * total_variance(one))
    assert frechet_distance(one, one + 3) == pytest.approx(9 * channels, rel=1e-6)


def test_the_shrunk_covariance_is_ledoit_and_wolfs() -> None:
    features = np.random.default_rng(0).normal(size=(20, 32)) * np.linspace(1, 3, 32)
    assert np.allclose(shrunk_covariance(features), ledoit_wolf(features)[0])
    away = Cloud.of(features).distances(np.stack([features.mean(axis=0), features.mean(axis=0) + 10]))
    assert away[0] == pytest.approx(0)
    assert away[1] > 10
    assert np.isfinite(Cloud.of(np.ones((5, 3))).distances(np.ones((2, 3)))).all()


def test_channel_statistics_are_those_of_all_pixels() -> None:
    sums = ChannelSums()
    for image in NEW:
        sums.add(image)
    pixels = np.stack(NEW).reshape(-1, 3)
    assert np.allclose(sums.mean, pixels.mean(axis=0), atol=1e-3)
    assert np.allclose(sums.std, pixels.std(axis=0), atol=1e-3)


def test_images_of_the_same_kind_are_as_far_as_held_out_ones(net: Network) -> None:
    shift = shift_of(net, NEW, ("gamma",))
    assert not shift.has_gap
    assert shift.raw.excess.low <= 0 <= shift.raw.excess.high
    assert shift.steps[1].closed is None, "there is no gap to close"
    assert shift.held_out == len(NEW)
    assert shift.raw.unlike(shift.limit) < 0.3


def test_gamma_closes_a_darkening(net: Network) -> None:
    shift = shift_of(net, list(map(darkened, NEW)), ("gamma", "grey_world"))
    gamma, grey_world = (step.closed for step in shift.steps[1:])
    assert shift.has_gap
    assert gamma is not None
    assert grey_world is not None
    assert gamma.low > 0.7
    assert grey_world.high < gamma.low
    best = shift.best()
    assert best is not None
    assert best.step == "gamma"


def test_grey_world_closes_a_colour_cast(net: Network) -> None:
    shift = shift_of(net, list(map(yellowed, NEW)), ("grey_world", "denoise"))
    grey_world, denoise = (step.closed for step in shift.steps[1:])
    assert shift.has_gap
    assert grey_world is not None
    assert denoise is not None
    assert grey_world.low > 0.7
    assert denoise.high < 0.3


def test_the_image_that_is_unlike_the_others_is_the_farthest(net: Network) -> None:
    new = [*NEW[:9], 255 - NEW[9], *NEW[10:]]
    raw = shift_of(net, new, ()).raw
    assert int(np.argmax(raw.per_image)) == 9
    assert raw.per_image[9] > 1.5 * np.median(raw.per_image)


def test_a_stretch_tells_how_far_parts_of_the_training_images_are_apart() -> None:
    rng = np.random.default_rng(0)
    streets = [rng.normal(place, 1, size=(20, 6)) for place in (0, 3, 6)]
    same = measure_shift(rng.normal(size=(60, 6)), {RAW: rng.normal(size=(20, 6))}, resamples=10)
    parts = measure_shift(np.concatenate(streets), {RAW: rng.normal(3, 1, size=(20, 6))}, resamples=10)
    assert same.stretch == pytest.approx(0, abs=0.2)
    assert parts.stretch > 1


def test_intervals_hold_the_true_distance() -> None:
    """Normal features whose means are one apart in each channel, so that all but chance is known."""
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(20):
        source, new = rng.normal(size=(60, 5)), rng.normal(1, 1, size=(30, 5))
        excess = measure_shift(source, {RAW: new}, seed, resamples=60).raw.excess
        held += excess.low <= 5 / total_variance(source) <= excess.high
    assert held >= 18


def test_too_few_images_are_refused() -> None:
    with pytest.raises(ValueError, match="8 images a side"):
        measure_shift(np.zeros((20, 3)), {RAW: np.zeros((4, 3))})
    with pytest.raises(UserError, match="has 4 images in its training split"):
        domain_images("streets", None, {"train": 4}, unlabelled=False)


def test_images_are_evenly_chosen_and_read_when_asked_for() -> None:
    asked: list[int] = []

    def read(i: int) -> Picture:
        asked.append(i)
        return np.full((2, 2, 3), i, np.uint8)

    images = Images([(f"image {i}", lambda i=i: read(i)) for i in range(10)])  # type: ignore[misc]
    few = images.at_most(4)
    assert few.names == ("image 0", "image 2", "image 5", "image 7")
    assert asked == []
    kept = few.kept()
    assert [image[0, 0, 0] for image in kept] == [0, 2, 5, 7]
    before = len(asked)
    assert kept[1][0, 0, 0] == 2
    assert len(asked) == before
    assert typical([5.0, 1.0, 9.0, 5.1, 0.0, 4.9], 3) == [0, 3, 5]


def test_a_checkpoint_of_another_network_is_refused(checkpoint: Path) -> None:
    with pytest.raises(UserError, match="does not hold a trained lcnet_075"):
        open_network(parse_name("lcnet_075+fpn16-head8"), 3, checkpoint, None)
    with pytest.raises(UserError, match="has no backbone"):
        open_network(parse_name("bisenetv2"), 3, None, None)


@pytest.mark.slow
def test_the_command_reads_unlabelled_images_and_never_val_or_test(
    run_bench: RunBench, tmp_path: Path, checkpoint: Path
) -> None:
    """A folder with labels: its training images and unlabelled/ are read; those of val and test could not be."""
    root = tmp_path / "dim"
    for folder in ("images", "masks", "unlabelled"):
        (root / folder).mkdir(parents=True)
    for i, image in enumerate(map(darkened, NEW)):
        Image.fromarray(image).save(root / ("images" if i < 14 else "unlabelled") / f"{i:02}.png")
    (root / "classes.yaml").write_text("classes: [road, car]\n")
    splits = {i: "train" if i < 8 else "val" if i < 11 else "test" for i in range(14)}
    (root / "split.csv").write_text("image,split\n" + "".join(f"{i:02}.png,{splits[i]}\n" for i in splits))
    for i, split in splits.items():
        Image.fromarray(np.zeros(NEW[0].shape[:2], np.uint8)).save(root / "masks" / f"{i:02}.png")
        if split != "train":
            (root / "images" / f"{i:02}.png").write_bytes(b"not an image")
    source = ("--source", "streets", "--source-option", "width=96", "--source-option", "height=64")
    asked = (
        "shift",
        SPEC,
        "--data",
        "folder",
        "--root",
        str(root),
        *source,
        "--from",
        str(checkpoint),
        "--limit",
        "32",
    )
    done = run_bench(*asked, "--steps", "gamma,gamma+denoise", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["images"] == {"source": 32, "target": 18, "held_out": 16}
    assert told["steps"]["gamma"]["closed"]["low"] > 0.3
    assert set(told["steps"]["gamma"]["per_image"]) == {f"{i:02}" for i in range(8)} | {
        f"unlabelled/{i}" for i in range(14, 24)
    }
    assert len(told["steps"]["gamma+denoise"]["time"]["with_step_ms"]["samples"]) >= 64
    page = (tmp_path / "reports" / "shift-dim" / "README.md").read_text()
    assert "gamma closes most" in page or "gamma+denoise closes most" in page
    for name in ("shift.png", "shift.svg", "pictures.jpg"):
        assert (tmp_path / "reports" / "shift-dim" / name).stat().st_size > 10_000
        assert name == "shift.svg" or f"({name})" in page


def test_a_folder_of_unlabelled_images_alone_will_do(tmp_path: Path) -> None:
    folder = tmp_path / "unlabelled" / "camera 1"
    folder.mkdir(parents=True)
    for i, image in enumerate(NEW[:8]):
        Image.fromarray(image).save(folder / f"{i}.png")
    found = domain_images("folder", tmp_path, {}, unlabelled=True)
    assert found.names == tuple(f"unlabelled/camera 1/{i}" for i in range(8))
    assert np.array_equal(found[3], NEW[3])
    with pytest.raises(UserError, match=r"classes\.yaml"):
        domain_images("folder", tmp_path, {}, unlabelled=False)


def test_the_command_refuses_before_any_work(run_bench: RunBench, tmp_path: Path) -> None:
    done = run_bench("shift", SPEC, "--data", "streets", "--source", "streets", "--steps", "gama")
    assert done.returncode == 2
    assert "Did you mean 'gamma'?" in done.stderr
    done = run_bench("shift", SPEC, "--data", "folder", "--root", str(tmp_path), "--source", "streets")
    assert done.returncode == 2
    assert "classes.yaml" in done.stderr
    done = run_bench("shift", SPEC, "--data", "streets", "--option", "width=wide", "--source", "streets")
    assert done.returncode == 2
    assert "option width is 'wide'" in done.stderr
