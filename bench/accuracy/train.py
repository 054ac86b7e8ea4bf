"""Train one network on one split with one seed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.accuracy.activations import avoid_copies
from bench.accuracy.batches import Batches
from bench.accuracy.checkpoint import Checkpoint
from bench.accuracy.contrastive import Contrast, contrastive_term
from bench.accuracy.course import Course, TrainingLog
from bench.accuracy.ema import make_average
from bench.accuracy.enlarge import full_size_logits
from bench.accuracy.losses import PixelLoss, class_weights
from bench.accuracy.precision import autocast, fast_gradients
from bench.data.base import Sample
from bench.settings.accuracy import TrainPrecision
from bench.settings.schedule import Schedule
from bench.system.machine import machine_facts
from variants.layers import spatial_size
from variants.network import Network

_MOST_THREADS = 8
"""That make batches for a GPU."""
_BATCH_NORM_MOMENTUM = 0.1
"""Some networks come with 0.01, made for 100,000 steps: after a few hundred their running
statistics would still be those of the random start."""
_SHOWN_STEPS = 20
"""The loss that is shown is a mean over about so many."""


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training is. share: of its steps. loss: of the last steps. miou: of the last validation, 0 to 1."""

    share: float
    loss: float
    miou: float | None

    def __str__(self) -> str:
        return f"loss {self.loss:.3f}" + (f", val mIoU {100 * self.miou:.1f} %" if self.miou is not None else "")


@dataclass(frozen=True, kw_only=True)
class Aids:
    """What goes along with a training and changes no weight.

    on_progress: called after each step. checkpoint: where it stands, so that it goes on from there. validate: mIoU on
    the validation split of a network in eval mode, asked for after the epochs `validate_after`. stop_after: epochs at
    whose end the training pauses, with a checkpoint that it can go on from.
    """

    on_progress: Callable[[TrainingProgress], None] = lambda progress: None
    checkpoint: Checkpoint | None = None
    validate: Callable[[nn.Module], float] | None = None
    validate_after: Collection[int] = ()
    stop_after: int | None = None


def train(
    net: nn.Module,
    samples: Sequence[Sample],
    classes: int,
    schedule: Schedule,
    seed: int,
    device: str = "cpu",
    precision: TrainPrecision = "float32",
    aids: Aids | None = None,
) -> TrainingLog:
    """Train `net` in place.

    Args:
        net: its weights are where training starts; a `backbone` may learn slower, and the contrastive term reads what
            its `classifier` reads.
        samples: the training split: each is read once an epoch, and once before for class weights.
        classes: that the masks hold.
        schedule: how to train.
        seed: of the order of the images, of the augmentation and, apart from these, of the contrastive term.
        device: "cpu" or "cuda".
        precision: of the forward pass.

    Raises:
        TrainingDivergedError: the loss is not finite.
        UserError: the schedule has the contrastive term, and the network no `classifier` to read.
    """
    aids = aids or Aids()
    torch.manual_seed(seed)
    set_batch_norm_momentum(net)
    avoid_copies(net)
    net.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    batches = Batches(samples, schedule, seed, threads=_threads_for(device))
    steps = schedule.epochs * batches.steps_per_epoch
    pixel_loss = PixelLoss(class_weights(samples, classes, schedule.class_weighting), schedule.hard_pixels).to(device)
    average = make_average(net, schedule.ema) if schedule.ema else None  # before a hook could be copied along
    width, height = schedule.crop or samples[0].image.shape[1::-1]
    with (
        contrastive_term(net, schedule, size=(width, height), steps=steps, seed=seed, device=device) as contrast,
        fast_gradients(device, net),
    ):
        course = Course(net, average, contrast=contrast, schedule=schedule, steps=steps)
        forward = _logits_of(net)
        if schedule.compile:
            forward = compiled_passes(forward, device)
        passes = Passes(net=forward, pixel_loss=pixel_loss, contrast=contrast, device=device, precision=precision)
        _run(course, passes, batches=batches, epochs=schedule.epochs, aids=aids)
    if average is not None:
        net.load_state_dict(average.module.state_dict())
    return course.log


@dataclass(frozen=True, kw_only=True)
class Passes:
    """From a batch to its loss. net: to logits of any size."""

    net: Callable[[Tensor], Tensor]
    pixel_loss: PixelLoss
    contrast: Contrast | None
    device: str
    precision: TrainPrecision

    @classmethod
    def plain(cls, net: nn.Module, precision: TrainPrecision) -> Passes:
        """Of cross-entropy alone, on the CPU."""
        return cls(net=_logits_of(net), pixel_loss=PixelLoss(), contrast=None, device="cpu", precision=precision)

    def loss(self, step: int, images: Tensor, targets: Tensor) -> Tensor:
        """Of step `step`, from 0, on images (N, 3, H, W) and targets (N, H, W), both uint8."""
        images = images.to(self.device).float().div_(255)
        targets = targets.to(self.device).long()
        with autocast(self.device, self.precision):
            logits = self.net(images)
        logits = full_size_logits(logits, spatial_size(images))
        loss: Tensor = self.pixel_loss(logits, targets)
        return loss if self.contrast is None else loss + self.contrast.weighted(step, logits, targets)


def _logits_of(net: nn.Module) -> Callable[[Tensor], Tensor]:
    """The passes of a module; those of a network leave the resize to full size to the training."""
    if not isinstance(net, Network) or type(net).forward is not Network.forward:
        return net
    return lambda images: net.classify_image((images - net.mean) / net.std)


def _run(course: Course, passes: Passes, batches: Batches, epochs: int, aids: Aids) -> None:
    """All steps, from where a checkpoint stands."""
    if aids.checkpoint and (state := aids.checkpoint.load()):
        course.restore(state)
    shown: float | None = None
    steps, end = (count * batches.steps_per_epoch for count in (epochs, min(epochs, aids.stop_after or epochs)))
    for batch in batches.between(course.step, end):
        value = course.update(passes.loss(course.step, *batch))
        shown = value if shown is None else shown + (value - shown) / _SHOWN_STEPS
        if course.step % batches.steps_per_epoch == 0:
            _end_epoch(course, batches.steps_per_epoch, aids)
        miou = course.log.validations[-1][1] if course.log.validations else None
        aids.on_progress(TrainingProgress(course.step / steps, shown, miou))
        if aids.checkpoint:
            aids.checkpoint.offer(course.state)
    if aids.checkpoint and course.step < steps:
        aids.checkpoint.write(course.state())
    course.count_time()


def _end_epoch(course: Course, steps_per_epoch: int, aids: Aids) -> None:
    course.log.losses.append(course.loss_sum / steps_per_epoch)
    course.loss_sum = 0.0
    epochs = course.step // steps_per_epoch
    if aids.validate and epochs in aids.validate_after:
        course.log.validations.append((epochs, aids.validate(course.evaluated)))
        course.net.train()


def _threads_for(device: str) -> int:
    """None beside a processor that trains; on a GPU, most of the processor's cores."""
    return 0 if device == "cpu" else min(_MOST_THREADS, machine_facts()["cores"])


def set_batch_norm_momentum(net: nn.Module) -> None:
    """Let the running statistics follow within a few hundred steps."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = _BATCH_NORM_MOMENTUM


def compiled_passes(passes: Callable[[Tensor], Tensor], device: str) -> Callable[[Tensor], Tensor]:
    """The passes of a network, compiled at its first batch; its weights stay its own.

    What a process compiled before is forgotten: after eight graphs torch would run the next ones in eager, without a
    word.
    """
    from torch._inductor import config as inductor

    if device == "cpu":
        inductor.compile_threads = 1  # in this process: others train beside it
    torch._dynamo.reset()
    compiled: Callable[[Tensor], Tensor] = torch.compile(passes, dynamic=False)
    return compiled
