"""Where a training stands: all that decides its next step, so that it can stop there and go on to the same bits."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from bench.accuracy.contrastive import Contrast
from bench.accuracy.optimizer import make_optimizer, make_scheduler
from bench.errors import UserError
from bench.settings.schedule import Schedule

_LONGEST_GRADIENT = 5.0


class TrainingDivergedError(UserError):
    """The loss became infinite or not a number."""


@dataclass
class TrainingLog:
    """What a training tells.

    losses: mean of each epoch, with the contrastive term where the schedule has it. validations: (epochs done, mIoU on
    the validation split), 0 to 1. seconds: that it took, before it was stopped too.
    """

    losses: list[float] = field(default_factory=list)
    validations: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = field(default=0.0, compare=False)


class Course:
    """A network, what trains it, and how far it is.

    step: updates done. loss_sum: over the steps of this epoch.
    """

    def __init__(
        self, net: nn.Module, average: AveragedModel | None, contrast: Contrast | None, schedule: Schedule, steps: int
    ) -> None:
        self.net, self.average, self.contrast = net, average, contrast
        self.parts = [net, contrast.term] if contrast else [net]
        self._parameters = [list(part.parameters()) for part in self.parts]
        self.optimizer = make_optimizer(self.parts, schedule)
        self.scheduler = make_scheduler(self.optimizer, schedule, steps)
        self.step = 0
        self.loss_sum = 0.0
        self.log = TrainingLog()
        self._since = time.monotonic()

    def update(self, loss: Tensor) -> float:
        """Make one step down `loss`, and return its value.

        Raises:
            TrainingDivergedError: it or its gradient is not finite.
        """
        value = loss.item()
        if not math.isfinite(value):
            raise TrainingDivergedError(f"the loss became {value} in step {self.step + 1}: lower the learning rate")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for parameters in self._parameters:  # each by its own: the projection's must not shorten the network's step
            length = nn.utils.clip_grad_norm_(parameters, _LONGEST_GRADIENT)
            if not torch.isfinite(length):
                raise TrainingDivergedError(
                    f"the gradient became {length.item()} long in step {self.step + 1}: lower the learning rate"
                )
        self.optimizer.step()
        self.scheduler.step()
        if self.average is not None:
            self.average.update_parameters(self.net)
        self.step += 1
        self.loss_sum += value
        return value

    @property
    def evaluated(self) -> nn.Module:
        """The network that is evaluated: the average, where there is one."""
        return self.net if self.average is None else self.average.module

    @property
    def _is_on_gpu(self) -> bool:
        return next(self.net.parameters()).is_cuda

    def count_time(self) -> None:
        """Bring the seconds of the log up to now."""
        now = time.monotonic()
        self.log.seconds += now - self._since
        self._since = now

    def state(self) -> dict[str, Any]:
        """Everything, random numbers too, as `restore` takes it."""
        self.count_time()
        return {
            "seconds": self.log.seconds,
            "step": self.step,
            "loss_sum": self.loss_sum,
            "losses": self.log.losses,
            "validations": self.log.validations,
            "parts": [part.state_dict() for part in self.parts],
            "average": self.average.state_dict() if self.average else None,
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "random": torch.get_rng_state(),
            "gpu_random": torch.cuda.get_rng_state() if self._is_on_gpu else None,
            "contrast_random": self.contrast.term.generator.get_state() if self.contrast else None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to where `state` was taken."""
        self.step, self.loss_sum = state["step"], state["loss_sum"]
        validations = [(epochs, miou) for epochs, miou in state["validations"]]
        self.log = TrainingLog(state["losses"], validations, state.get("seconds", 0.0))
        for part, weights in zip(self.parts, state["parts"], strict=True):
            part.load_state_dict(weights)
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        torch.set_rng_state(state["random"])
        if state.get("gpu_random") is not None:
            torch.cuda.set_rng_state(state["gpu_random"])
        if self.contrast is not None:
            self.contrast.term.generator.set_state(state["contrast_random"])
