"""Train all but the backbone, on features that the backbone gave once: a pass costs what is trained and no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import psutil
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.accuracy.course import Course, TrainingLog
from bench.accuracy.ema import make_average
from bench.accuracy.enlarge import full_size_logits
from bench.accuracy.losses import PixelLoss, class_weights
from bench.accuracy.precision import autocast, fast_gradients
from bench.accuracy.train import set_batch_norm_momentum
from bench.data.base import Sample
from bench.errors import UserError
from bench.settings.accuracy import TrainPrecision
from bench.settings.schedule import Schedule
from variants.network import Network

_MEMORY_SHARE = 0.5
"""Of the free memory that features may take."""


@dataclass(frozen=True)
class Cached:
    """What the backbone says of one image. stages: (C, h, w) each, float16. target: (H, W) uint8."""

    stages: list[Tensor]
    target: Tensor


class _Replay(nn.Module):
    """Stands where the backbone was, and gives what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.stages: list[Tensor] = []

    def forward(self, image: Tensor) -> list[Tensor]:
        """The features that are to be used now, whatever the image."""
        return self.stages


class FrozenTrainer:
    """The features of the images that it has seen, each plain and mirrored, for any number of trainings.

    Raises:
        UserError: the network has no backbone to freeze, or the features do not fit into memory.
    """

    def __init__(
        self, net: Network, size: tuple[int, int], device: str, precision: TrainPrecision, workers: int = 1
    ) -> None:
        """`net`: in whose backbone the features are taken. size: width and height that images are brought to.

        workers: processes that keep features side by side.
        """
        if net.backbone is None:
            raise UserError("this network has no backbone of its own to freeze: leave out the arm `frozen`.")
        self.net, self.size, self.device, self.precision = net, size, device, precision
        self.share = _MEMORY_SHARE / workers
        self._cached: dict[int, list[Cached]] = {}

    def learn(self, indices: Sequence[int], samples: Sequence[Sample]) -> None:
        """Take the features of images that are not known yet."""
        new = [index for index in indices if index not in self._cached]
        self.net.to(self.device).eval()
        for at, index in enumerate(new):
            self._cached[index] = self._views(samples[index])
            if at == 0:
                self._refuse_too_many(len(new), self._cached[index])

    def train(
        self,
        net: Network,
        indices: Sequence[int],
        samples: Sequence[Sample],
        classes: int,
        schedule: Schedule,
        seed: int,
    ) -> TrainingLog:
        """Train all of `net` but its backbone, in place; the backbone must be that of the features.

        The schedule's crop, scale and colours are left out: features are those of whole images.

        Raises:
            TrainingDivergedError: the loss is not finite.
        """
        self.learn(indices, samples)
        torch.manual_seed(seed)
        set_batch_norm_momentum(net)
        backbone, replay = net.backbone, _Replay()
        net.backbone = replay
        net.to(self.device).train()
        try:
            return self._run(
                net, replay, indices=indices, samples=samples, classes=classes, schedule=schedule, seed=seed
            )
        finally:
            net.backbone = backbone
            replay.stages = []

    def _run(
        self,
        net: Network,
        replay: _Replay,
        indices: Sequence[int],
        samples: Sequence[Sample],
        classes: int,
        schedule: Schedule,
        seed: int,
    ) -> TrainingLog:
        chosen = [samples[index] for index in indices]
        pixel_loss = PixelLoss(class_weights(chosen, classes, schedule.class_weighting), schedule.hard_pixels)
        pixel_loss.to(self.device)
        average = make_average(net, schedule.ema) if schedule.ema else None  # before a hook could be copied along
        batch = min(schedule.batch_size, len(indices))
        each = len(indices) // batch
        course = Course(net, average, contrast=None, schedule=schedule, steps=schedule.epochs * each)
        random = np.random.default_rng(seed % 2**64)
        with fast_gradients(self.device, net):
            for _ in range(schedule.epochs):
                order = random.permutation(len(indices))
                for at in range(each):
                    some = order[at * batch : (at + 1) * batch]
                    stages, targets = self._batch([indices[i] for i in some], random, schedule.flip)
                    course.update(self._loss(net, replay, stages=stages, targets=targets, pixel_loss=pixel_loss))
                course.log.losses.append(course.loss_sum / each)
                course.loss_sum = 0.0
        if average is not None:
            net.load_state_dict(average.module.state_dict())
        return course.log

    def _loss(
        self, net: Network, replay: _Replay, stages: list[Tensor], targets: Tensor, pixel_loss: PixelLoss
    ) -> Tensor:
        replay.stages = stages
        with autocast(self.device, self.precision):
            logits = net.classify_image(stages[0])
        height, width = targets.shape[-2:]
        loss: Tensor = pixel_loss(full_size_logits(logits.float(), (height, width)), targets)
        return loss

    def _batch(self, indices: Sequence[int], random: np.random.Generator, flip: bool) -> tuple[list[Tensor], Tensor]:
        views = [self._cached[index][int(random.random() < 0.5 and flip)] for index in indices]
        stages = [
            torch.stack(of_stage).to(self.device).float().contiguous(memory_format=torch.channels_last)
            for of_stage in zip(*(view.stages for view in views), strict=True)
        ]
        return stages, torch.stack([view.target for view in views]).to(self.device).long()

    @torch.inference_mode()
    def _views(self, sample: Sample) -> list[Cached]:
        image, target = _brought_to(sample, self.size)
        net = self.net
        views = []
        for pixels, labels in ((image, target), (image.flip(-1), target.flip(-1))):
            normal = (pixels.to(self.device)[None] - net.mean) / net.std
            assert net.backbone is not None
            stages = net.backbone(normal.contiguous(memory_format=torch.channels_last))
            views.append(Cached([stage[0].half().cpu().clone() for stage in stages], labels.contiguous()))
        return views

    def _refuse_too_many(self, images: int, first: list[Cached]) -> None:
        each = sum(tensor.nbytes for view in first for tensor in (*view.stages, view.target))
        free = psutil.virtual_memory().available
        if images * each > self.share * free:
            raise UserError(
                f"the features of {images} images would take {images * each / 1e9:.1f} GB, and {free / 1e9:.1f} GB are "
                "free. Pass smaller --labels, or leave out the arm `frozen`."
            )


def _brought_to(sample: Sample, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """(3, H, W) float in [0, 1] and (H, W) uint8, resized where the image has another size."""
    image = torch.from_numpy(sample.image.copy()).permute(2, 0, 1).float().div_(255)
    mask = torch.from_numpy(sample.mask.copy())
    wanted = size[::-1]
    if image.shape[-2:] == wanted:
        return image, mask
    image = F.interpolate(image[None], wanted, mode="bilinear", align_corners=False, antialias=True)[0]
    return image, F.interpolate(mask[None, None], wanted, mode="nearest")[0, 0]
