"""Train one network on one split with one seed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.accuracy.augment import Augment
from bench.accuracy.confusion import IGNORE
from bench.accuracy.datasets.base import Sample
from bench.accuracy.schedule import Schedule

METHOD = 1
"""Version of training and evaluation: raised when it changes a number."""
_BATCH_NORM_MOMENTUM = 0.1
"""Some networks come with 0.01, made for 100,000 steps: after a few hundred their running
statistics would still be those of the random start."""
_WARMUP = 0.1
"""Share of the steps in which the learning rate rises."""
_LEAST_WARMUP_STEPS = 1.5
"""A warm-up that ends at the first step would have no slope."""


class TrainingDivergedError(RuntimeError):
    """The loss became infinite or not a number."""


def train(
    net: nn.Module,
    samples: list[Sample],
    schedule: Schedule,
    seed: int,
    device: str = "cpu",
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> list[float]:
    """Train `net` in place.

    Args:
        net: a network with a `backbone`; its weights are where training starts.
        samples: the training split.
        schedule: how to train.
        seed: of the order of the images and of the augmentation.
        device: "cpu" or "cuda".
        on_progress: called after each step with the share of the work that is done.

    Returns:
        The mean loss of each epoch.

    Raises:
        TrainingDivergedError: the loss is not finite.
    """
    torch.manual_seed(seed)
    _set_batch_norm_momentum(net)
    net.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    batch_size = min(schedule.batch_size, len(samples))
    steps_per_epoch = len(samples) // batch_size
    steps = schedule.epochs * steps_per_epoch
    optimizer = _optimizer(net, schedule)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        [group["lr"] for group in optimizer.param_groups],
        total_steps=steps + 1,
        pct_start=max(_WARMUP, _LEAST_WARMUP_STEPS / (steps + 1)),
    )
    augment = Augment(schedule)
    losses = []
    for epoch in range(schedule.epochs):
        order = torch.randperm(len(samples)).tolist()
        total = 0.0
        for step in range(steps_per_epoch):
            chosen = order[step * batch_size : (step + 1) * batch_size]
            images, targets = augment.batch([samples[i] for i in chosen])
            total += _step(net, optimizer, images.to(device), targets.to(device))
            scheduler.step()
            on_progress((epoch * steps_per_epoch + step + 1) / steps)
        losses.append(total / steps_per_epoch)
    return losses


def _step(net: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, targets: Tensor) -> float:
    loss = F.cross_entropy(net(images), targets, ignore_index=IGNORE)
    value = loss.item()
    if not torch.isfinite(loss):
        raise TrainingDivergedError(f"the loss became {value}: lower the learning rate")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    optimizer.step()
    return value


def _optimizer(net: nn.Module, schedule: Schedule) -> torch.optim.Optimizer:
    """AdamW with two learning rates; norms and biases do not decay."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in net.named_parameters():
        kind = (name.startswith("backbone."), parameter.ndim > 1)
        groups.setdefault(kind, []).append(parameter)
    return torch.optim.AdamW(
        {
            "params": parameters,
            "lr": schedule.learning_rate * (schedule.backbone_lr_ratio if in_backbone else 1.0),
            "weight_decay": schedule.weight_decay if decays else 0.0,
        }
        for (in_backbone, decays), parameters in groups.items()
    )


def _set_batch_norm_momentum(net: nn.Module) -> None:
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = _BATCH_NORM_MOMENTUM
