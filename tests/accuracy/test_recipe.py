"""Parts of a training recipe: losses, rates and the average of the weights, against torch and by hand."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from bench.accuracy.ema import make_average
from bench.accuracy.evaluate import evaluate
from bench.accuracy.losses import PixelLoss, class_weights
from bench.accuracy.optimizer import make_optimizer, make_scheduler
from bench.accuracy.precision import own_way
from bench.accuracy.train import train
from bench.adapt.recipe import ARMS, schedule_for
from bench.data.base import Sample
from bench.settings.accuracy import TrainPrecision
from bench.settings.schedule import HardPixels, Schedule
from bench.stats.confusion import IGNORE
from tests.accuracy.test_training import halves
from tests.conftest import TINY_SPACE, RunBench
from variants.names import parse_name
from variants.network import build


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    targets = torch.randint(0, 4, (2, 6, 5), generator=generator)
    targets[0, 0] = IGNORE
    return 3 * torch.randn(2, 4, 6, 5, generator=generator), targets


def test_without_options_the_loss_is_torchs() -> None:
    logits, targets = batch()
    weight = torch.tensor([1.0, 2.0, 0.5, 3.0])
    assert PixelLoss()(logits, targets) == F.cross_entropy(logits, targets, ignore_index=IGNORE)
    assert PixelLoss(weight)(logits, targets) == F.cross_entropy(logits, targets, weight, ignore_index=IGNORE)


@pytest.mark.parametrize(("threshold", "least_share"), [(0.7, 0.01), (0.2, 0.5), (0.999, 1.0)])
def test_hard_pixels_by_a_loop(threshold: float, least_share: float) -> None:
    logits, targets = batch()
    of_class = logits.softmax(dim=1).permute(0, 2, 3, 1)[targets != IGNORE]
    probabilities = of_class[torch.arange(len(of_class)), targets[targets != IGNORE]].sort().values
    hard = [p for p in probabilities.tolist() if p < threshold]
    least = max(1, int(least_share * len(probabilities)))
    chosen = hard if len(hard) >= least else probabilities[:least].tolist()
    found = PixelLoss(hard_pixels=HardPixels(threshold=threshold, least_share=least_share))(logits, targets)
    assert float(found) == pytest.approx(-np.log(chosen).mean(), rel=1e-5)


@pytest.mark.parametrize("hard_pixels", [None, HardPixels()])
def test_a_batch_of_void_has_a_loss_of_zero(hard_pixels: HardPixels | None) -> None:
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = PixelLoss(hard_pixels=hard_pixels)(logits, torch.full((1, 4, 4), IGNORE))
    loss.backward()
    assert loss.detach() == 0


def test_class_weights_by_hand() -> None:
    masks = [[[0, 0, 0, 1]], [[0, 0, 0, IGNORE]]]
    samples = [Sample(np.zeros((1, 4, 3), np.uint8), np.array(mask, np.uint8)) for mask in masks]
    assert class_weights(samples, 3, "none") is None
    # class 0: 6 of the 7 pixels of images that hold it; class 1: 1 of 4; class 2 never occurs
    frequency = np.array([6 / 7, 1 / 4])
    median = class_weights(samples, 3, "median_frequency")
    assert median is not None
    assert median.tolist() == pytest.approx([*(np.median(frequency) / frequency), 1], rel=1e-6)
    logarithmic = class_weights(samples, 3, "logarithmic")
    assert logarithmic is not None
    assert logarithmic.tolist() == pytest.approx([1 / np.log(1.02 + 6 / 7), 1 / np.log(1.02 + 1 / 7), 1], rel=1e-6)


def poly_rates(warmup: float) -> list[float]:
    schedule = Schedule(policy="poly", warmup=warmup, power=0.9, learning_rate=0.1)
    optimizer = make_optimizer([nn.Linear(2, 2)], schedule)
    scheduler = make_scheduler(optimizer, schedule, steps=100)
    rates = []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_poly_rises_and_falls_as_written() -> None:
    rates = poly_rates(warmup=0.1)
    assert rates[:10] == pytest.approx([0.1 * (step + 1) / 11 for step in range(10)])
    assert rates[10:] == pytest.approx([0.1 * (1 - step / 90) ** 0.9 for step in range(90)])
    assert poly_rates(warmup=0.0) == pytest.approx([0.1 * (1 - step / 100) ** 0.9 for step in range(100)])


def test_layers_of_the_backbone_learn_the_slower_the_nearer_to_the_image() -> None:
    net = build(parse_name("mobilenetv2_050+fpn8-head8"), 2)
    schedule = Schedule(learning_rate=0.1, backbone_lr_ratio=0.5, layer_decay=0.9)
    rate_of = {
        id(parameter): group["lr"]
        for group in make_optimizer([net], schedule).param_groups
        for parameter in group["params"]
    }
    rates = [rate_of[id(parameter)] for parameter in net.backbone.parameters()]  # type: ignore[union-attr]
    assert rates == sorted(rates)
    assert rates[-1] == pytest.approx(0.05)
    steps = sorted(set(rates))
    assert [b / a for a, b in pairwise(steps)] == pytest.approx([1 / 0.9] * (len(steps) - 1))
    assert len(steps) > 5
    assert {rate_of[id(parameter)] for parameter in net.fpn.parameters()} == {0.1}  # type: ignore[union-attr]
    assert len(rate_of) == len(list(net.parameters()))


def test_the_average_follows_by_hand() -> None:
    net = nn.Linear(1, 1, bias=False)
    nn.init.constant_(net.weight, 1.0)
    average = make_average(net, decay=0.9)
    kept = None
    for step, value in enumerate([3.0, 5.0, -1.0, 2.0]):
        nn.init.constant_(net.weight, value)
        average.update_parameters(net)
        decay = min(0.9, (1 + step) / (10 + step))
        kept = value if kept is None else decay * kept + (1 - decay) * value
    assert average.module.get_parameter("weight").item() == pytest.approx(kept)


@pytest.mark.slow
def test_a_training_with_every_option_learns() -> None:
    torch.manual_seed(0)
    net = build(parse_name("lcnet_050+frm34-dnl-w16+fpn16-head16"), 2)
    schedule = Schedule(
        epochs=14,
        batch_size=4,
        learning_rate=0.01,
        policy="poly",
        layer_decay=0.95,
        class_weighting="median_frequency",
        hard_pixels=HardPixels(),
        ema=0.9,
    )
    train(net, halves(24, 0), 2, schedule, 0)
    assert evaluate(net, halves(6, 1), 2).miou.value > 0.7  # an untrained one has 0.3
    assert "moving average" in schedule.describe()


def test_the_average_is_what_a_training_leaves() -> None:
    """With a decay near 1 and few steps the average stands between the start and the end."""

    def trained(ema: float | None) -> nn.Module:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(3, 2, 1))
        train(net, halves(8, 0), 2, Schedule(epochs=3, batch_size=4, ema=ema), 0)
        return net

    torch.manual_seed(0)
    start = nn.Sequential(nn.Conv2d(3, 2, 1))
    last, averaged = trained(None), trained(0.999)
    for first, end, mean in zip(start.parameters(), last.parameters(), averaged.parameters(), strict=True):
        assert not torch.equal(mean, end)
        assert ((mean - first).abs() <= (end - first).abs() + 1e-3).all()


def test_an_option_at_its_default_stands_in_no_key() -> None:
    assert "ema" not in Schedule().model_dump(mode="json")
    assert Schedule.model_validate(Schedule(ema=0.99).model_dump(mode="json")).ema == 0.99


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_compiled_training_learns_the_same_but_for_rounding(precision: TrainPrecision) -> None:
    def losses(compiled: bool) -> list[float]:
        torch.manual_seed(0)
        depthwise = nn.Conv2d(4, 4, 5, padding=2, groups=4)
        net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), depthwise, nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1))
        schedule = Schedule(epochs=2, batch_size=4, ema=0.9, compile=compiled)
        return train(net, halves(8, 0), 2, schedule, 0, precision=precision).losses

    assert losses(True) == pytest.approx(losses(False), rel=1e-4 if precision == "float32" else 0.02)


def test_a_training_that_cannot_be_compiled_is_refused_with_its_line(
    tiny_space: Path, run_bench: RunBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_space.write_text(TINY_SPACE.replace("batch_size: 4}", "batch_size: 4, compile: true}"))
    monkeypatch.setenv("CXX", "no-such-compiler")
    done = run_bench("sweep", tiny_space.name, "--dry-run")
    if own_way()[0] == "cuda":
        pytest.skip("trains on a GPU, which needs no C++ compiler")
    assert done.returncode == 2
    assert re.search(r"tiny\.yaml:\d+.*needs a C\+\+ compiler", done.stderr), done.stderr


def test_arms_with_loops_of_their_own_are_not_compiled() -> None:
    compiled = [arm for arm in ARMS if schedule_for(arm, 8, (64, 32), 10, {"compile": True}).compile]
    assert compiled == ["full"]
