"""Adaptation: nested budgets, a fitted head, a frozen backbone, a mean teacher, and no leak."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_model
from torch import Tensor, nn

from bench.adapt.batch_norm import with_statistics_of
from bench.adapt.budgets import class_presence, labelling_order, read_budgets
from bench.adapt.frozen import FrozenTrainer
from bench.adapt.inference import read_steps
from bench.adapt.mean_teacher import train_mean_teacher
from bench.adapt.recipe import schedule_for
from bench.adapt.start import Start, build_from, class_rows, find_start
from bench.adapt.torch_threads import torch_threads
from bench.adapt.unlabelled import read_unlabelled
from bench.data import open_dataset
from bench.data.base import Sample
from bench.errors import UserError
from bench.settings.adaptation import MeanTeacher
from bench.settings.schedule import Schedule
from tests.accuracy.test_training import halves
from tests.data.test_layouts import noise, own
from variants.names import parse_name
from variants.network import Network, build

__all__ = ["own"]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Beside other tests on the same cores two threads wait for each other."""
    with torch_threads(1):
        yield


SPEC = parse_name("lcnet_050+frm34-dnl-w16+fpn16-head16")


def test_budgets_are_nested_and_show_rare_classes_early() -> None:
    presence = np.zeros((40, 3), bool)
    presence[:, 0] = True
    presence[[7, 30], 1] = True
    presence[21, 2] = True
    orders = [labelling_order(presence, seed) for seed in range(5)]
    assert all(sorted(order) == list(range(40)) for order in orders)
    assert all({7, 21, 30} == set(order[:3]) for order in orders)
    assert orders[0][3:] != orders[1][3:]
    assert labelling_order(presence, 3) == orders[3]
    plain = [labelling_order(presence, seed, "random") for seed in range(5)]
    assert not all({7, 21, 30} <= set(order[:8]) for order in plain)


def test_a_speck_shows_no_class() -> None:
    labels = np.zeros((100, 100), np.uint8)
    labels[0, 0] = 1
    labels[50:] = 2
    assert class_presence([Sample(np.zeros((100, 100, 3), np.uint8), labels)], 3).tolist() == [[True, False, True]]


def test_budgets_are_read() -> None:
    assert read_budgets(None, 50) == ([8, 16, 32, 50], [])
    assert read_budgets("16, 4,all,64", 50) == ([4, 16, 50], [64])
    assert read_budgets(None, 6) == ([6], [])
    with pytest.raises(UserError, match="holds 1 image; adaptation needs at least 2"):
        read_budgets(None, 1)
    for wrong in ("1", "few", "-8", "", "²"):
        with pytest.raises(UserError, match="--labels"):
            read_budgets(f"8,{wrong}", 50)


@pytest.mark.parametrize(("labels", "epochs"), [(2, 30), (8, 30), (15, 30), (16, 15), (33, 8)])
def test_every_budget_gets_as_many_updates(labels: int, epochs: int) -> None:
    schedule = schedule_for("full", labels, (64, 48), 30, {"epochs": 3, "batch_size": 8})
    assert schedule.epochs == epochs
    assert 30 <= schedule.epochs * max(1, labels // 8) < 30 + labels // 8 + 1


def test_schedules_say_what_is_done() -> None:
    full, frozen, semi = (schedule_for(arm, 8, (64, 48), 30, {}) for arm in ("full", "frozen", "semi"))
    assert full.crop == semi.crop == (64, 48)
    assert (frozen.crop, frozen.scale, frozen.colour_jitter) == (None, (1.0, 1.0), 0.0)
    assert full.ema
    assert semi.ema is None  # the teacher has a decay of its own
    with pytest.raises(UserError, match="contrastive term, which the arm 'semi' cannot"):
        schedule_for("semi", 8, (64, 48), 30, {"contrastive": {"weight": 0.1}})


def checkpoint(folder: Path, classes: int, name: str = "net") -> Path:
    torch.manual_seed(1)
    path = folder / f"{name}.safetensors"
    save_model(build(SPEC, classes), str(path))
    return path


def test_a_head_keeps_the_classes_that_it_knows(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, 3)
    start = Start(file=path, weights="x", classes=("sky", "road", "car"))
    new = build_from(start, SPEC, ("car", "tree", "sky"), None).eval()
    torch.manual_seed(1)
    old = build(SPEC, 3).eval()
    image = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        before, after = old(image), new(image)
    assert torch.allclose(after[:, 0], before[:, 2], atol=1e-6)
    assert torch.allclose(after[:, 2], before[:, 0], atol=1e-6)
    assert not start.knows(("car", "tree"))
    assert start.knows(("car", "sky"))
    assert "keeps car, sky and starts anew for the other 1" in start.describe(("car", "tree", "sky"))
    assert "does not say which classes" in Start(file=path, weights="x").describe(("car",))


def test_only_the_last_layer_has_a_row_a_class() -> None:
    rows = class_rows(SPEC)
    assert rows
    assert all(name.startswith("head.") for name in rows)


def test_a_checkpoint_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, 3)
    other = parse_name("lcnet_050+fpn8-head8")
    with pytest.raises(UserError, match="not of lcnet_050"):
        build_from(Start(file=path, weights="x", classes=("a", "b", "c")), other, ("a", "b"), None)
    (tmp_path / "cut.safetensors").write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="is broken"):
        build_from(Start(file=tmp_path / "cut.safetensors", weights="x"), SPEC, ("a", "b"), None)
    with pytest.raises(UserError, match="there is no file"):
        find_start(str(tmp_path / "none.safetensors"), SPEC, tmp_path, None)
    with pytest.raises(UserError, match="holds no records of 'camvid'"):
        find_start("camvid", SPEC, tmp_path, None)


def test_a_frozen_backbone_stays_and_the_rest_learns() -> None:
    torch.manual_seed(0)
    net, samples = build(SPEC, 2), halves(8, 0)
    assert net.backbone is not None
    before = {name: value.clone() for name, value in net.state_dict().items()}
    trainer = FrozenTrainer(build_like(net), (64, 32), "cpu", "float32")
    schedule = Schedule(epochs=20, batch_size=4, learning_rate=0.01)
    log = trainer.train(net, range(8), samples, 2, schedule, 0)
    after = net.state_dict()
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert moved
    assert not any(name.startswith("backbone.") for name in moved)
    assert log.losses[-1] < log.losses[0] / 2
    again = build_like(net, before)
    assert trainer.train(again, range(8), samples, 2, schedule, 0).losses == log.losses


def build_like(net: Network, state: dict[str, Tensor] | None = None) -> Network:
    like = build(SPEC, 2)
    like.load_state_dict(state or net.state_dict())
    return like


def test_cached_features_are_those_of_the_whole_network() -> None:
    torch.manual_seed(0)
    net, sample = build(SPEC, 2), halves(1, 0)[0]
    trainer = FrozenTrainer(net, (64, 32), "cpu", "float32")
    trainer.learn([0], [sample])
    for mirrored, view in enumerate(trainer._cached[0]):
        image = torch.from_numpy(sample.image.copy()).permute(2, 0, 1)[None].float().div_(255)
        image = image.flip(-1) if mirrored else image
        with torch.inference_mode():
            assert net.backbone is not None
            stages = net.backbone((image - net.mean) / net.std)
        for cached, stage in zip(view.stages, stages, strict=True):
            assert torch.allclose(cached.float(), stage[0], atol=5e-3, rtol=2e-3)


@pytest.mark.slow
def test_a_mean_teacher_learns_from_images_without_labels() -> None:
    """Two labelled images leave much open; the unlabelled ones show the rest."""
    torch.manual_seed(0)
    schedule = Schedule(epochs=20, batch_size=2, learning_rate=0.01)
    labelled, others = halves(2, 0), [sample.image for sample in halves(12, 1)]
    how = MeanTeacher(decay=0.8, threshold=0.5)
    net = build(SPEC, 2)
    log = train_mean_teacher(net, labelled, others, 2, schedule, how, 0, "cpu", "float32")
    assert log.losses[-1] < log.losses[0]
    torch.manual_seed(0)
    again = build(SPEC, 2)
    assert train_mean_teacher(again, labelled, others, 2, schedule, how, 0, "cpu", "float32").losses == log.losses
    torch.manual_seed(0)
    darker = build(SPEC, 2)
    dark = [image // 4 for image in others]
    assert train_mean_teacher(darker, labelled, dark, 2, schedule, how, 0, "cpu", "float32").losses != log.losses


@pytest.mark.parametrize("sizes", [[(8, 8)] * 9, [(8, 8)] * 5 + [(4, 12)] * 2, [(6, 6)]])
def test_statistics_of_a_batch_norm_are_those_of_all_images_alike(sizes: list[tuple[int, int]]) -> None:
    random = np.random.default_rng(0)
    images = [random.integers(0, 30 * (i + 1) % 255 + 1, (*size, 3), np.uint8) for i, size in enumerate(sizes)]
    adapted = with_statistics_of(nn.Sequential(nn.BatchNorm2d(3)), images, "cpu")
    norm = adapted[0]  # type: ignore[index]
    means = np.stack([image.reshape(-1, 3).mean(axis=0) for image in images]).mean(axis=0) / 255
    squares = np.stack([(image.reshape(-1, 3) / 255.0).__pow__(2).mean(axis=0) for image in images]).mean(axis=0)
    assert norm.running_mean.numpy() == pytest.approx(means, abs=1e-6)
    assert norm.running_var.numpy() == pytest.approx(squares - means**2, abs=1e-6)
    assert not adapted.training


def test_steps_are_read_and_refused() -> None:
    plain, joined, scaled = read_steps("clahe+batchnorm, resize-1.5")
    assert plain.describe() == "nothing"
    assert (joined.image, joined.batch_norm, joined.scale) == ("clahe", True, 1.0)
    assert scaled.evaluation().scales == (1.5,)
    for wrong, words in (
        ("sharpen", "not one of"),
        ("resize-9", "from 0.25 to 4"),
        ("clahe,clahe", "twice"),
        ("gamma+gamma", "one step twice"),
        ("resize-2+resize-1.5", "one step twice"),
        ("batchnorm+resize-2", "at their own size"),
    ):
        with pytest.raises(UserError, match=words):
            read_steps(wrong)


def test_a_leak_is_refused_whatever_its_name(own: Path) -> None:
    dataset = open_dataset("folder", own, {})
    noise(own / "unlabelled" / "夜 1.png", seed=99)
    assert len(read_unlabelled(own, dataset)) == 1
    judged = dataset.load("test")[0].image
    Image.fromarray(judged).save(own / "unlabelled" / "copy.bmp")
    with pytest.raises(UserError, match=r"unlabelled/copy \(test\): the same pixels are in a split that judges"):
        read_unlabelled(own, dataset)
