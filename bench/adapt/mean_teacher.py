"""Labelled and unlabelled images together: a mean teacher with confidence-weighted consistency.

The teacher is the moving average of the student (Tarvainen and Valpola, NeurIPS 2017). It labels a weakly augmented
unlabelled image, and the student learns that on a strongly augmented one (FixMatch: Sohn et al., NeurIPS 2020), where
colours change, and a rectangle of another image is pasted in (CutMix for segmentation: French et al., BMVC 2020). A
pixel counts by the teacher's confidence, and not at all below a threshold.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as transform

from bench.accuracy.activations import avoid_copies
from bench.accuracy.augment import jittered
from bench.accuracy.batches import Batches
from bench.accuracy.course import Course, TrainingLog
from bench.accuracy.ema import make_average
from bench.accuracy.losses import PixelLoss, class_weights
from bench.accuracy.precision import autocast, fast_gradients
from bench.accuracy.train import set_batch_norm_momentum
from bench.data.base import Sample
from bench.settings.accuracy import TrainPrecision
from bench.settings.adaptation import MeanTeacher
from bench.settings.schedule import Schedule
from bench.stats.confusion import IGNORE


def train_mean_teacher(
    net: nn.Module,
    labelled: Sequence[Sample],
    unlabelled: Sequence[NDArray[np.uint8]],
    classes: int,
    schedule: Schedule,
    how: MeanTeacher,
    seed: int,
    device: str,
    precision: TrainPrecision,
) -> TrainingLog:
    """Train `net` in place; it ends as the teacher.

    Args:
        labelled: as for `bench.accuracy.train.train`.
        unlabelled: (H, W, 3) images, of which no label is looked at.

    Raises:
        TrainingDivergedError: the loss is not finite.
    """
    torch.manual_seed(seed)
    set_batch_norm_momentum(net)
    avoid_copies(net)
    net.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    batches = Batches(labelled, schedule, seed)
    steps = schedule.epochs * batches.steps_per_epoch
    weak = schedule.model_copy(update={"colour_jitter": 0.0})
    others = Batches([_without_labels(image) for image in unlabelled], weak, seed + 1)
    pixel_loss = PixelLoss(class_weights(labelled, classes, schedule.class_weighting), schedule.hard_pixels).to(device)
    teacher = make_average(net, how.decay)
    course = Course(net, teacher, contrast=None, schedule=schedule, steps=steps)
    random = np.random.default_rng((seed % 2**64, 2))
    with fast_gradients(device, net, teacher.module):
        for (images, targets), (views, known) in zip(batches.between(0, steps), others.between(0, steps), strict=True):
            term = _Consistency(views, known, how=how, random=random, device=device)
            weight = how.weight * _ramp(course.step / steps, how.ramp)
            with autocast(device, precision):
                term.ask(teacher.module)
                logits = net(torch.cat([_pixels(images, device), term.strong])).float()
            loss = pixel_loss(logits[: len(images)], targets.to(device).long())
            course.update(loss + weight * term.loss(logits[len(images) :]))
            if course.step % batches.steps_per_epoch == 0:
                course.log.losses.append(course.loss_sum / batches.steps_per_epoch)
                course.loss_sum = 0.0
    net.load_state_dict(teacher.module.state_dict())
    return course.log


class _Consistency:
    """One batch of unlabelled images: what the teacher says of the weak views, and the strong views for the student.

    strong: (N, 3, H, W) float in [0, 1].
    """

    def __init__(
        self, views: Tensor, known: Tensor, how: MeanTeacher, random: np.random.Generator, device: str
    ) -> None:
        """views: (N, 3, H, W) uint8. known: (N, H, W), IGNORE beyond the image."""
        self.how = how
        self.weak = _pixels(views, device)
        strong = torch.stack([_strongly(view, how, random) for view in views])
        self.pasted = _rectangle(views.shape[-2:], how.cut, random).to(device)
        self.strong = self._mixed(_pixels(strong, device))
        self.inside = self._mixed((known != IGNORE).to(device))

    @torch.no_grad()
    def ask(self, teacher: nn.Module) -> None:
        """Let the teacher label the weak views."""
        teacher.eval()
        sure, classes = teacher(self.weak).float().softmax(dim=1).max(dim=1)
        self.classes = self._mixed(classes)
        sure = self._mixed(sure)
        self.weights = sure * (sure >= self.how.threshold) * self.inside

    def loss(self, logits: Tensor) -> Tensor:
        """Cross-entropy with the teacher's classes: an image of which the teacher is unsure counts little."""
        each = F.cross_entropy(logits, self.classes, reduction="none")
        return (each * self.weights).sum() / self.inside.sum().clamp(min=1)

    def _mixed(self, of_images: Tensor) -> Tensor:
        """With the rectangle taken from the next image of the batch."""
        return torch.where(self.pasted, of_images.roll(1, dims=0), of_images)


def _strongly(view: Tensor, how: MeanTeacher, random: np.random.Generator) -> Tensor:
    """(3, H, W) uint8 with other colours, half of the time blurred."""
    view = jittered(view, how.jitter, random)
    sigma = float(random.uniform(0.1, 2.0))
    if random.random() < 0.5:
        view = transform.gaussian_blur(view, [5, 5], [sigma, sigma])
    return view


def _rectangle(size: tuple[int, ...], share: float, random: np.random.Generator) -> Tensor:
    """(H, W) bool: a rectangle of this share of the area, somewhere, of any shape up to two to one."""
    height, width = size
    shape = float(random.uniform(0.5, 2.0))
    rows = min(height, round(height * (share * shape) ** 0.5))
    columns = min(width, round(width * (share / shape) ** 0.5))
    top, left = int(random.integers(height - rows + 1)), int(random.integers(width - columns + 1))
    pasted = torch.zeros(height, width, dtype=torch.bool)
    pasted[top : top + rows, left : left + columns] = True
    return pasted


def _ramp(done: float, ramp: float) -> float:
    """exp(-5 (1 - t)^2) up to 1 (Laine and Aila, ICLR 2017)."""
    return 1.0 if done >= ramp else float(np.exp(-5 * (1 - done / ramp) ** 2))


def _without_labels(image: NDArray[np.uint8]) -> Sample:
    """Class 0 everywhere, which says where the image is and nothing else."""
    return Sample(image, np.zeros(image.shape[:2], np.uint8))


def _pixels(images: Tensor, device: str) -> Tensor:
    return images.to(device).float().div_(255).contiguous(memory_format=torch.channels_last)
