"""AdamW, its groups of parameters, and the course of their learning rates."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from bench.settings.schedule import Schedule

_LEAST_WARMUP_STEPS = 1.5
"""A warm-up that ends at the first step would have no slope."""


def make_optimizer(parts: Sequence[nn.Module], schedule: Schedule) -> torch.optim.Optimizer:
    """AdamW over a network (`parts[0]`) and what trains with it; norms and biases do not decay.

    The network's `backbone` learns by its own rate, and its layers the slower the nearer they are to the image.
    """
    rates = _backbone_rates(parts[0], schedule)
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for part in parts:
        for parameter in part.parameters():
            rate = rates.get(id(parameter), 1.0)
            groups.setdefault((rate, parameter.ndim > 1), []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "lr": schedule.learning_rate * rate,
                "weight_decay": schedule.weight_decay if decays else 0.0,
            }
            for (rate, decays), parameters in groups.items()
        ],
        fused=True,
    )


def make_scheduler(optimizer: torch.optim.Optimizer, schedule: Schedule, steps: int) -> LRScheduler:
    """The learning rate over `steps`: up in the warm-up, then down as a cosine (one-cycle) or a power."""
    if schedule.policy == "one_cycle":
        return OneCycleLR(
            optimizer,
            [group["lr"] for group in optimizer.param_groups],
            total_steps=steps + 1,
            pct_start=max(schedule.warmup, _LEAST_WARMUP_STEPS / (steps + 1)),
        )
    warmup = max(1, round(schedule.warmup * steps)) if schedule.warmup else 0

    def poly(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        return float(max(0.0, 1 - (step - warmup) / max(1, steps - warmup)) ** schedule.power)

    return LambdaLR(optimizer, poly)


def _backbone_rates(net: nn.Module, schedule: Schedule) -> dict[int, float]:
    """Learning rate of each parameter of the backbone over that of the rest, by the parameter's id."""
    backbone = getattr(net, "backbone", None)
    if not isinstance(backbone, nn.Module):
        return {}
    names = [name for name, _ in backbone.named_parameters()]
    layers = list(dict.fromkeys(map(_layer_of, names)))
    depth = {layer: len(layers) - 1 - index for index, layer in enumerate(layers)}
    return {
        id(parameter): schedule.backbone_lr_ratio * schedule.layer_decay ** depth[_layer_of(name)]
        for name, parameter in backbone.named_parameters()
    }


def _layer_of(name: str) -> str:
    """A layer is what shares the name down to the first number: `net.blocks.3.conv.weight` is of `net.blocks.3`."""
    parts = name.split(".")[:-1]
    end = next((index + 1 for index, part in enumerate(parts) if any(map(str.isdigit, part))), len(parts))
    return ".".join(parts[:end])
