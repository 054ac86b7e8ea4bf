"""Train one network on one split with one seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.accuracy.augment import Augment
from bench.accuracy.contrastive import ContrastiveTerm, FeatureTap
from bench.accuracy.datasets.base import Sample
from bench.accuracy.ema import make_average
from bench.accuracy.losses import PixelLoss, class_weights
from bench.accuracy.optimizer import make_optimizer, make_scheduler
from bench.accuracy.schedule import Schedule

METHOD = 1
"""Version of training and evaluation: raised when it changes a number."""
_BATCH_NORM_MOMENTUM = 0.1
"""Some networks come with 0.01, made for 100,000 steps: after a few hundred their running
statistics would still be those of the random start."""


class TrainingDivergedError(RuntimeError):
    """The loss became infinite or not a number."""


@dataclass(frozen=True)
class Contrast:
    """The contrastive term of one training, reading the network's feature map by `tap`."""

    term: ContrastiveTerm
    tap: FeatureTap
    steps_without: int

    def weighted(self, step: int, logits: Tensor, targets: Tensor) -> Tensor | float:
        """What it adds to the loss of step `step` (from 0) of the training, after the forward pass."""
        features = self.tap.take()
        return self.term.settings.weight * self.term(features, logits, targets) if step >= self.steps_without else 0.0


def train(
    net: nn.Module,
    samples: Sequence[Sample],
    classes: int,
    schedule: Schedule,
    seed: int,
    device: str = "cpu",
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> list[float]:
    """Train `net` in place.

    Args:
        net: its weights are where training starts; a `backbone` may learn slower, and the contrastive term reads what
            its `classifier` reads.
        samples: the training split, in memory: each is read once an epoch.
        classes: that the masks hold.
        schedule: how to train.
        seed: of the order of the images, of the augmentation and, apart from these, of the contrastive term.
        device: "cpu" or "cuda".
        on_progress: called after each step with the share of the work that is done.

    Returns:
        The mean loss of each epoch, with the contrastive term where the schedule has it.

    Raises:
        TrainingDivergedError: the loss is not finite.
        UserError: the schedule has the contrastive term, and the network no `classifier` to read.
    """
    torch.manual_seed(seed)
    _set_batch_norm_momentum(net)
    net.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    batch_size = min(schedule.batch_size, len(samples))
    steps_per_epoch = len(samples) // batch_size
    steps = schedule.epochs * steps_per_epoch
    augment = Augment(schedule)
    losses = []
    pixel_loss = PixelLoss(class_weights(samples, classes, schedule.class_weighting), schedule.hard_pixels).to(device)
    average = (
        make_average(net, schedule.ema) if schedule.ema else None
    )  # before a hook could be copied with the network
    size = schedule.crop or samples[0].image.shape[1::-1]
    with contrastive_term(net, schedule, (size[0], size[1]), steps, seed, device) as contrast:
        parts = [net, contrast.term] if contrast else [net]
        optimizer = make_optimizer(parts, schedule)
        scheduler = make_scheduler(optimizer, schedule, steps)
        for epoch in range(schedule.epochs):
            order = torch.randperm(len(samples)).tolist()
            total = 0.0
            for step in range(epoch * steps_per_epoch, (epoch + 1) * steps_per_epoch):
                start = step % steps_per_epoch * batch_size
                images, targets = augment.batch([samples[i] for i in order[start : start + batch_size]])
                loss = _loss(net, pixel_loss, contrast, step, images.to(device), targets.to(device))
                total += _update(parts, optimizer, loss)
                scheduler.step()
                if average is not None:
                    average.update_parameters(net)
                on_progress((step + 1) / steps)
            losses.append(total / steps_per_epoch)
        if average is not None:
            net.load_state_dict(average.module.state_dict())
    return losses


def _loss(
    net: nn.Module, pixel_loss: PixelLoss, contrast: Contrast | None, step: int, images: Tensor, targets: Tensor
) -> Tensor:
    logits = net(images)
    loss: Tensor = pixel_loss(logits, targets)
    return loss if contrast is None else loss + contrast.weighted(step, logits, targets)


def _update(parts: list[nn.Module], optimizer: torch.optim.Optimizer, loss: Tensor) -> float:
    value = loss.item()
    if not torch.isfinite(loss):
        raise TrainingDivergedError(f"the loss became {value}: lower the learning rate")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    for part in parts:  # each by its own: the projection's gradient must not shorten the network's step
        nn.utils.clip_grad_norm_(part.parameters(), 5.0)
    optimizer.step()
    return value


@contextmanager
def contrastive_term(
    net: nn.Module, schedule: Schedule, size: tuple[int, int], steps: int, seed: int = 0, device: str = "cpu"
) -> Iterator[Contrast | None]:
    """The contrastive term of a training of `steps` on images of `size` (width, height), where the schedule has it.

    Leaves no hook behind.
    """
    if schedule.contrastive is None:
        yield None
        return
    with FeatureTap(net) as tap:
        channels = _feature_channels(net, tap, torch.zeros(1, 3, size[1], size[0], device=device))
        term = ContrastiveTerm(schedule.contrastive, channels, seed).to(device)
        yield Contrast(term, tap, int(schedule.contrastive.warmup * steps))


@torch.no_grad()
def _feature_channels(net: nn.Module, tap: FeatureTap, image: Tensor) -> int:
    """Channels of the map that the classifier reads, from a pass that changes and draws nothing."""
    net.eval()
    net(image)
    net.train()
    return tap.take().shape[1]


def _set_batch_norm_momentum(net: nn.Module) -> None:
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = _BATCH_NORM_MOMENTUM
