"""Pixel contrast: a training loss that gathers the features of a class and parts those of different ones.

Wang et al., "Exploring Cross-Image Pixel Contrast for Semantic Segmentation", ICCV 2021, without the memory bank:
anchors, positives and negatives are pixels of one batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import UserError
from bench.settings.schedule import Contrastive, Schedule
from bench.stats.confusion import IGNORE


def sample_anchors(
    targets: Tensor, predicted: Tensor, max_anchors: int, max_views: int, generator: torch.Generator
) -> Tensor:
    """Choose pixels of every class that occurs: half hard (predicted wrongly), half easy.

    Each class gets the same number, or all its pixels where it has fewer; where one kind is short, the other fills up.

    Args:
        targets: (N, h, w) int64, classes 0..254; IGNORE is never chosen.
        predicted: (N, h, w) int64.
        max_anchors: in all.
        max_views: of one class, over all images.
        generator: on the CPU, so that the choice does not depend on the device.

    Returns:
        (A,) int64, positions in the flattened targets, A <= max_anchors, ordered by class.
    """
    labels = targets.flatten()
    pixels = (labels != IGNORE).nonzero()[:, 0]
    pixels = pixels[torch.randperm(len(pixels), generator=generator).to(pixels.device)]
    classes = labels[pixels]
    kind, order = (2 * classes + (predicted.flatten()[pixels] != classes)).sort(stable=True)
    counts = torch.bincount(kind, minlength=2 * IGNORE)
    easy, hard = counts.view(-1, 2).unbind(1)
    present = int((easy + hard > 0).sum())
    quota = min(max_views, max_anchors // max(1, present))
    hard_taken = torch.minimum(hard, (quota - easy).clamp(min=quota // 2))
    easy_taken = torch.minimum(easy, quota - hard_taken)
    taken = torch.stack((easy_taken, hard_taken), dim=1).flatten()
    first = counts.cumsum(0) - counts
    rank = torch.arange(len(kind), device=kind.device) - first[kind]
    return pixels[order[rank < taken[kind]]]


def contrastive_loss(embeddings: Tensor, classes: Tensor, temperature: float, base_temperature: float) -> Tensor:
    """Supervised InfoNCE among the anchors, equation 3 of the paper.

    With s_ij = <e_i, e_j> / temperature, positives P(i) (same class, i itself left out) and negatives N(i):

        temperature / base_temperature * mean_i mean_{p in P(i)} -log(exp s_ip / (exp s_ip + sum_{n in N(i)} exp s_in))

    The mean is over the anchors that have a positive and a negative; the others are only negatives.

    Args:
        embeddings: (A, C), rows of length 1; half precision is computed in float32.
        classes: (A,) int64, 0 or more.
        temperature: divides the cosines.
        base_temperature: the scale of the loss is temperature over this.

    Returns:
        A scalar; a zero that depends on the embeddings where no anchor has both.
    """
    with torch.autocast(embeddings.device.type, enabled=False):
        embeddings = embeddings.to(torch.promote_types(embeddings.dtype, torch.float32))
        size = torch.bincount(classes)[classes]  # of the anchor's class, itself included
        rows = ((size > 1) & (size < len(classes))).nonzero()[:, 0]
        if len(rows) == 0:
            return embeddings.sum() * 0
        same = classes[rows][:, None] == classes
        anchor, positive = same.nonzero(as_tuple=True)
        apart = rows[anchor] != positive
        anchor, positive = anchor[apart], positive[apart]
        similar = (embeddings[rows] / temperature) @ embeddings.T
        positives = similar[anchor, positive]
        negatives = similar.masked_fill_(same, -torch.inf).logsumexp(dim=1)
        # -log(e^s / (e^s + e^n)) = log(1 + e^(n - s)), which never overflows
        pairs = F.softplus(negatives[anchor] - positives) / (size[rows] - 1)[anchor]
        return pairs.sum() / len(rows) * (temperature / base_temperature)


class ContrastiveTerm(nn.Module):
    """The loss with its projection head, which only training has: 1x1 conv, BN, ReLU, 1x1 conv, length 1.

    The head sees the anchors alone, where a 1x1 convolution is a linear layer: so its work and memory do not grow with
    the image, and its batch statistics are those of classes in equal shares.
    """

    def __init__(self, settings: Contrastive, in_channels: int, seed: int) -> None:
        super().__init__()
        self.settings = settings
        with torch.random.fork_rng(devices=[]):  # the global draws stay those of a training without the term
            torch.default_generator.manual_seed(seed)
            self.project = nn.Sequential(
                nn.Linear(in_channels, in_channels, bias=False),
                nn.BatchNorm1d(in_channels, track_running_stats=False),
                nn.ReLU(inplace=True),
                nn.Linear(in_channels, settings.channels),
            )
        self.generator = torch.Generator().manual_seed(seed)

    def forward(self, features: Tensor, logits: Tensor, targets: Tensor) -> Tensor:
        """(N, C, h, w), (N, classes, H, W) and (N, H, W) int64 with IGNORE -> the loss, not weighted."""
        size = (features.shape[-2], features.shape[-1])
        targets = nearest(targets, size)
        predicted = nearest(logits.detach(), size).argmax(dim=1)
        settings = self.settings
        chosen = sample_anchors(
            targets, predicted, max_anchors=settings.max_anchors, max_views=settings.max_views, generator=self.generator
        )
        image, row, column = torch.unravel_index(chosen, targets.shape)
        with torch.autocast(features.device.type, enabled=False):
            anchors = features[image, :, row, column].float()  # (A, C)
            if len(anchors) < 2:  # too few for batch norm, and for a loss
                return anchors.sum() * 0
            embeddings = F.normalize(self.project(anchors), dim=1)
            return contrastive_loss(
                embeddings, targets.flatten()[chosen], settings.temperature, settings.base_temperature
            )


def nearest(values: Tensor, size: tuple[int, int]) -> Tensor:
    """(..., H, W) -> (..., h, w): the value at each cell's centre, for any type; `size` is (h, w)."""
    rows, columns = (
        (2 * torch.arange(new, device=values.device) + 1) * old // (2 * new)
        for new, old in zip(size, values.shape[-2:], strict=True)
    )
    return values[..., rows[:, None], columns]


class FeatureTap:
    """Keeps the feature map that the network's `classifier` read last, while entered.

    Raises:
        UserError: the network has no module `classifier`.
    """

    def __init__(self, net: nn.Module) -> None:
        classifier = getattr(net, "classifier", None)
        if not isinstance(classifier, nn.Module):
            raise UserError(
                f"the contrastive term needs a network with a module `classifier`, and {type(net).__name__} has none: "
                "name its last layer so, or leave `contrastive` out of the schedule"
            )
        self._classifier = classifier
        self._read: tuple[object, ...] = ()

    def __enter__(self) -> Self:
        self._hook = self._classifier.register_forward_pre_hook(self._keep)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._hook.remove()
        self._read = ()

    def _keep(self, module: nn.Module, inputs: tuple[object, ...]) -> None:
        self._read = inputs

    def take(self) -> Tensor:
        """The feature map (N, C, h, w) of the last forward pass, once: then it is let go.

        Raises:
            UserError: the classifier was not called, or not with one map.
        """
        (read, self._read) = (self._read, ())
        if len(read) == 1 and isinstance(read[0], Tensor) and read[0].ndim == 4:
            return read[0]
        shapes = [tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__ for value in read]
        raise UserError(
            f"the contrastive term needs a `classifier` that reads one map (N, C, h, w), and it read {shapes}: "
            "let the network call it so, or leave `contrastive` out of the schedule"
        )


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
