"""Training learns, repeats itself from a seed, and says when it diverges."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.accuracy.augment import Augment
from bench.accuracy.course import TrainingDivergedError
from bench.accuracy.evaluate import evaluate
from bench.accuracy.train import Aids, TrainingProgress, train
from bench.data.base import Sample
from bench.settings.schedule import Schedule
from bench.stats.confusion import IGNORE
from variants.names import parse_name
from variants.network import build

SCHEDULE = Schedule(epochs=14, batch_size=4, learning_rate=0.01)


def halves(count: int, seed: int) -> list[Sample]:
    """Images of a dark and a bright half: trivial, so that a tiny network solves them in seconds."""
    rng = np.random.default_rng(seed)
    samples = []
    for _ in range(count):
        mask = np.zeros((32, 64), np.uint8)
        mask[:, : int(rng.integers(16, 48))] = 1
        image = np.where(mask[..., None] == 1, 200, 60) + rng.integers(-20, 20, (32, 64, 3))
        mask[:2] = IGNORE
        samples.append(Sample(image.astype(np.uint8), mask))
    return samples


def trained(seed: int, epochs: int = SCHEDULE.epochs) -> tuple[nn.Module, list[float]]:
    torch.manual_seed(seed)
    net = build(parse_name("lcnet_050+frm34-dnl-w16+fpn16-head16"), 2)
    return net, train(net, halves(24, 0), 2, SCHEDULE.model_copy(update={"epochs": epochs}), seed).losses


@pytest.mark.slow
def test_training_learns_what_can_be_learnt() -> None:
    net, losses = trained(0)
    assert losses[-1] < losses[0] / 2
    result = evaluate(net, halves(6, 1), 2)
    assert result.miou.value > 0.8
    assert result.miou.low <= result.miou.value <= result.miou.high
    assert np.sum(result.confusion) == 6 * 30 * 64  # void is not counted


@pytest.mark.slow
def test_a_seed_repeats_itself() -> None:
    """The same losses again, and others from another seed; a few epochs tell."""
    first, second, other = (trained(seed, epochs=4)[1] for seed in (0, 0, 1))
    assert first == second != other


def test_evaluation_changes_nothing() -> None:
    net, _ = trained(0, epochs=1)
    samples = halves(3, 1)
    assert np.array_equal(evaluate(net, samples, 2).per_image, evaluate(net, samples, 2).per_image)


def test_progress_reaches_one() -> None:
    seen: list[TrainingProgress] = []
    net = build(parse_name("lcnet_050+fpn8-head8"), 2)
    train(net, halves(8, 0), 2, Schedule(epochs=2, batch_size=4), 0, aids=Aids(on_progress=seen.append))
    assert [progress.share for progress in seen] == [0.25, 0.5, 0.75, 1.0]
    assert str(seen[-1]) == f"loss {seen[-1].loss:.3f}"


@pytest.mark.parametrize("steps", range(1, 13))
def test_short_schedules_train(steps: int) -> None:
    net = nn.Conv2d(3, 2, 1)
    assert len(train(net, halves(4, 0), 2, Schedule(epochs=steps, batch_size=4), 0).losses) == steps


def test_a_gradient_that_is_not_finite_makes_no_step() -> None:
    """The loss of the last step can be finite, and the weights after it not."""

    class Steep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shift = nn.Parameter(torch.zeros(1))

        def forward(self, image: Tensor) -> Tensor:
            return image[:, :2] + self.shift.sqrt()  # at 0 of infinite slope

    net = Steep()
    with pytest.raises(TrainingDivergedError, match=r"the gradient became (nan|inf) long in step 1"):
        train(net, halves(8, 0), 2, SCHEDULE, 0)
    assert net.shift.item() == 0


@pytest.mark.parametrize("factor", ["inf", "nan"])
def test_divergence_is_said(factor: str) -> None:
    class Exploding(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, image: Tensor) -> Tensor:
            return image[:, :2] * self.scale * float(factor)

    with pytest.raises(TrainingDivergedError, match="the loss became nan in step 1: lower the learning rate"):
        train(Exploding(), halves(8, 0), 2, SCHEDULE, 0)


def test_image_and_mask_move_together() -> None:
    augment = Augment(Schedule(crop=(40, 32), scale=(0.5, 1.0)))
    images, targets = augment.batch(halves(16, 0), np.random.default_rng(0))
    assert images.shape == (16, 3, 32, 40)
    assert targets.shape == (16, 32, 40)
    grey = images.float().mean(1)
    inside = (grey > 0) & (targets != IGNORE)
    bright = grey > 127
    assert (bright == (targets == 1))[inside].float().mean() > 0.97  # all but the blurred edge


def test_small_images_are_padded_with_void() -> None:
    _, targets = Augment(Schedule(crop=(80, 48))).batch(halves(2, 0), np.random.default_rng(0))
    assert targets.shape == (2, 48, 80)
    assert (targets == IGNORE).float().mean() > 0.4


def test_colour_jitter_changes_colours_alone_and_repeats_itself() -> None:
    def batch(jitter: float) -> tuple[Tensor, Tensor]:
        return Augment(Schedule(colour_jitter=jitter)).batch(halves(1, 0), np.random.default_rng(0))

    (plain, target), (jittered, same), (again, _) = batch(0), batch(0.5), batch(0.5)
    assert torch.equal(target, same)
    assert torch.equal(jittered, again)
    dark, bright = (plain[0].float().mean(0)[target[0] == label].mean() for label in (0, 1))
    moved = [jittered[0].float().mean(0)[target[0] == label].mean() for label in (0, 1)]
    assert abs(moved[0] - dark) > 2 or abs(moved[1] - bright) > 2
    assert moved[0] < moved[1]  # still a dark and a bright half
