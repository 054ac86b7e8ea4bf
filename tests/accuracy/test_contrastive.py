"""The contrastive term: its loss, its choice of pixels, its memory, and what a training makes of it."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from bench.accuracy.contrastive import ContrastiveTerm, contrastive_loss, nearest, sample_anchors
from bench.accuracy.evaluate import evaluate
from bench.accuracy.train import Aids, train
from bench.errors import UserError
from bench.settings.schedule import Contrastive, Schedule
from bench.stats.confusion import IGNORE
from tests.accuracy.test_training import halves

TERM = Contrastive(warmup=0.25)


class Tiny(nn.Module):
    """Three convolutions at 1/4 and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 16, 4, stride=4), nn.BatchNorm2d(16), nn.ReLU())
        self.body = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU())
        self.classifier = nn.Sequential(nn.Dropout2d(0.1), nn.Conv2d(16, 2, 1))

    def features(self, image: Tensor) -> Tensor:
        mapped: Tensor = self.body(self.backbone(image))
        return mapped

    def forward(self, image: Tensor) -> Tensor:
        return F.interpolate(self.classifier(self.features(image)), scale_factor=4, mode="bilinear")


def tiny(seed: int = 0) -> Tiny:
    torch.manual_seed(seed)
    return Tiny()


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def unit_vectors(count: int, channels: int, seed: int = 0) -> Tensor:
    return F.normalize(torch.randn(count, channels, generator=generator(seed), dtype=torch.float64), dim=1)


def by_the_book(embeddings: Tensor, classes: list[int], temperature: float, base_temperature: float) -> Tensor:
    """Equation 3 pair by pair, in float64: Σ_i mean_p -log(e^{ip/τ} / (e^{ip/τ} + Σ_n e^{in/τ})) over anchors."""
    anchors = []
    for i, own in enumerate(classes):
        negatives = [j for j, other in enumerate(classes) if other != own]
        positives = [j for j, other in enumerate(classes) if other == own and j != i]
        if not negatives or not positives:
            continue
        terms = []
        for p in positives:
            top = torch.exp(torch.sum(embeddings[i] * embeddings[p]) / temperature)
            rest = sum(torch.exp(torch.sum(embeddings[i] * embeddings[n]) / temperature) for n in negatives)
            terms.append(-torch.log(top / (top + rest)))
        anchors.append(sum(terms, torch.zeros(())) / len(terms))
    return sum(anchors, torch.zeros(())) / len(anchors) * temperature / base_temperature


@pytest.mark.parametrize("classes", [[0, 0, 1, 1], [0, 1, 2, 0, 1, 2, 2, 2], [3, 3, 7, 3, 9, 7, 3, 3, 3, 0]])
@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_the_loss_is_the_formula(classes: list[int], temperature: float) -> None:
    ours, book = (unit_vectors(len(classes), 5).requires_grad_() for _ in range(2))
    loss = contrastive_loss(ours, torch.tensor(classes), temperature, 0.07)
    expected = by_the_book(book, classes, temperature, 0.07)
    loss.backward()  # type: ignore[no-untyped-call]
    expected.backward()  # type: ignore[no-untyped-call]
    assert ours.grad is not None
    assert book.grad is not None
    torch.testing.assert_close(loss, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(ours.grad, book.grad, rtol=0, atol=1e-6)


def test_the_loss_of_two_orthogonal_classes_by_hand() -> None:
    embeddings = torch.eye(2).repeat_interleave(2, dim=0)
    expected = math.log(1 + 2 * math.exp(-10)) * 0.1 / 0.07  # cosine 1 to the positive, 0 to two negatives
    assert contrastive_loss(embeddings, torch.tensor([0, 0, 1, 1]), 0.1, 0.07).item() == pytest.approx(expected)


def test_the_loss_falls_as_classes_gather_and_rises_as_they_mix() -> None:
    classes = torch.tensor([0, 1, 2]).repeat_interleave(20)
    centres = torch.eye(3, 8, dtype=torch.float64)
    scattered = unit_vectors(60, 8)

    path = [F.normalize((1 - t) * scattered + t * centres[classes], dim=1) for t in torch.linspace(0.2, 1, 9)]
    gathering = [contrastive_loss(points, classes, 0.1, 0.07).item() for points in path]
    assert gathering == sorted(gathering, reverse=True)
    assert gathering[-1] < gathering[0] / 100
    swapped = [centres[torch.where(torch.arange(60) % 20 < wrong, (classes + 1) % 3, classes)] for wrong in range(11)]
    mixing = [contrastive_loss(points, classes, 0.1, 0.07).item() for points in swapped]
    assert mixing == sorted(mixing)
    assert mixing[-1] > mixing[0] + 1


@pytest.mark.parametrize("classes", [[], [4], [1, 1, 1], [0, 1, 2]])
def test_without_positives_or_negatives_the_loss_is_a_connected_zero(classes: list[int]) -> None:
    embeddings = unit_vectors(len(classes), 4).requires_grad_()
    loss = contrastive_loss(embeddings, torch.tensor(classes, dtype=torch.int64), 0.1, 0.07)
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0
    assert embeddings.grad is not None
    assert not embeddings.grad.any()


def test_extremes_stay_finite_also_under_autocast() -> None:
    same = torch.ones(40, 16) / 4
    embeddings = torch.cat((same, -same, same)).requires_grad_()
    classes = torch.tensor([0, 0, 1]).repeat_interleave(40)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = contrastive_loss(embeddings, classes, 0.01, 0.07)
        half = contrastive_loss(embeddings.bfloat16(), classes, 0.01, 0.07)
    plain = contrastive_loss(embeddings, classes, 0.01, 0.07)
    assert loss.dtype == half.dtype == torch.float32
    assert loss.item() == half.item() == plain.item() > 0
    loss.backward()  # type: ignore[no-untyped-call]
    assert embeddings.grad is not None
    assert embeddings.grad.isfinite().all()


def scene(counts: dict[tuple[int, int], int]) -> tuple[Tensor, Tensor]:
    """Targets and predictions (2, h, w) with so many pixels of each (target, predicted), shuffled."""
    pairs = torch.tensor([pair for pair, count in counts.items() for _ in range(count)])
    pairs = pairs[torch.randperm(len(pairs), generator=generator(7))].view(2, 5, -1, 2)
    return pairs[..., 0], pairs[..., 1]


def chosen_kinds(counts: dict[tuple[int, int], int], anchors: int, views: int) -> dict[int, tuple[int, int]]:
    """(hard, easy) anchors by class."""
    targets, predicted = scene(counts)
    chosen = sample_anchors(targets, predicted, anchors, views, generator())
    assert len(set(chosen.tolist())) == len(chosen) <= anchors
    labels, wrong = targets.flatten()[chosen], (targets != predicted).flatten()[chosen]
    return {int(c): (int(wrong[labels == c].sum()), int((~wrong)[labels == c].sum())) for c in set(labels.tolist())}


def test_anchors_are_half_hard_half_easy() -> None:
    counts = {(0, 0): 400, (0, 1): 100, (1, 1): 60, (1, 0): 340, (IGNORE, 0): 100}
    assert chosen_kinds(counts, 1024, 40) == {0: (20, 20), 1: (20, 20)}
    assert chosen_kinds(counts, 60, 40) == {0: (15, 15), 1: (15, 15)}  # the bound of the batch is shared out


def test_the_other_kind_fills_up() -> None:
    counts = {(0, 0): 300, (0, 1): 6, (1, 1): 4, (1, 0): 300, (2, 2): 90, (3, 3): 5, (3, 0): 5}
    assert chosen_kinds(counts, 1024, 40) == {0: (6, 34), 1: (36, 4), 2: (0, 40), 3: (5, 5)}


def test_void_is_never_chosen() -> None:
    assert chosen_kinds({(IGNORE, 0): 600, (IGNORE, 254): 350, (254, 254): 25, (0, 254): 25}, 1024, 100) == {
        0: (25, 0),
        254: (0, 25),
    }
    assert chosen_kinds({(IGNORE, 0): 100}, 1024, 100) == {}


def test_the_choice_is_random_and_follows_the_generator() -> None:
    targets, predicted = scene({(0, 0): 500, (1, 1): 250, (1, 0): 250})
    before = torch.get_rng_state()
    first, again, other = (sample_anchors(targets, predicted, 1024, 50, generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)
    draws = torch.cat([sample_anchors(targets, predicted, 1024, 50, generator(seed)) for seed in range(300)])
    times = torch.bincount(draws, minlength=1000)[targets.flatten() == 0]  # each 300 * 50 / 500 = 30 on average
    assert times.min() > 5
    assert times.max() < 60


def test_nearest_takes_the_centre_of_each_cell() -> None:
    values = torch.arange(3 * 24 * 32).view(3, 24, 32)
    for size in ((6, 8), (5, 7), (24, 32), (48, 64)):
        expected = F.interpolate(values[None].float(), size=size, mode="nearest-exact")[0].long()
        assert torch.equal(nearest(values, size), expected)


class Largest(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Elements of the largest tensor that any operation made."""

    elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in result if isinstance(result, tuple | list) else (result,):
            if isinstance(value, Tensor):
                self.elements = max(self.elements, value.numel())
        return result


@pytest.mark.parametrize("side", [32, 64, 128])
def test_memory_does_not_grow_with_the_image(side: int) -> None:
    """Forward and backward; the largest image has 32 times as many pixels as there are anchors."""
    term = ContrastiveTerm(Contrastive(), 8, 0)
    targets = torch.randint(0, 11, (2, 4 * side, 4 * side), generator=generator(), dtype=torch.uint8).long()
    logits = torch.randn(2, 11, side, side, generator=generator())
    features = torch.randn(2, 8, side, side, generator=generator()).requires_grad_()
    with Largest() as largest:  # type: ignore[no-untyped-call]
        term(features, logits, targets).backward()
    assert largest.elements == (11 * 93) ** 2  # 1024 anchors shared by 11 classes


def test_the_term_finds_the_pixels_of_the_anchors() -> None:
    """Features that tell the classes apart at every pixel cost little; moved by one cell, they cost much."""
    targets = torch.randint(0, 4, (2, 8, 12), generator=generator())
    features = F.one_hot(targets, 4).permute(0, 3, 1, 2).float()
    targets = targets.repeat_interleave(4, 1).repeat_interleave(4, 2)
    logits = torch.zeros(2, 4, 32, 48)

    def loss(features: Tensor) -> float:
        term = ContrastiveTerm(Contrastive(), 4, 0)
        nn.init.eye_(term.project[0].weight)  # type: ignore[arg-type]
        with torch.no_grad():
            return float(term(features, logits, targets))

    assert loss(features) < 1 < loss(features.roll(1, dims=3))


def test_void_alone_gives_a_connected_zero() -> None:
    features = torch.randn(2, 8, 4, 4).requires_grad_()
    loss = ContrastiveTerm(Contrastive(), 8, 0)(features, torch.zeros(2, 3, 16, 16), torch.full((2, 16, 16), IGNORE))
    loss.backward()
    assert loss.item() == 0
    assert features.grad is not None


def test_a_schedule_without_the_term_dumps_as_before() -> None:
    before = {
        "epochs": 16,
        "batch_size": 8,
        "learning_rate": 0.002,
        "backbone_lr_ratio": 0.25,
        "weight_decay": 0.01,
        "crop": [240, 180],
        "scale": [0.5, 1.0],
        "flip": True,
        "pretraining": "imagenet",
    }
    schedule = Schedule.model_validate(before)
    assert schedule.contrastive is None
    assert schedule.model_dump(mode="json") == before
    assert schedule.describe().endswith(", cross-entropy")


def test_a_schedule_with_the_term_reads_its_own_dump() -> None:
    schedule = Schedule(contrastive=Contrastive(max_views=50))
    dump = schedule.model_dump(mode="json")
    assert dump["contrastive"]["max_views"] == 50
    assert Schedule.model_validate(dump) == schedule == Schedule.model_validate_json(schedule.model_dump_json())
    assert schedule.describe().endswith(", cross-entropy + 0.1 x pixel contrast after 20 % of the steps")
    assert Schedule(contrastive=Contrastive(warmup=0)).describe().endswith(", cross-entropy + 0.1 x pixel contrast")


def cosines(net: Tiny) -> tuple[float, float]:
    """Mean cosine of the features of two pixels: of one class, and of different ones."""
    samples = halves(6, 1)
    images = torch.stack([torch.from_numpy(sample.image).permute(2, 0, 1) / 255 for sample in samples])
    targets = nearest(torch.stack([torch.from_numpy(sample.mask) for sample in samples]), (8, 16))
    with torch.inference_mode():
        features = F.normalize(net.eval().features(images), dim=1).permute(0, 2, 3, 1)
    dark, bright = (features[targets == c].mean(dim=0) for c in (0, 1))  # <mean, mean> is the mean over all pairs
    return float(dark @ dark + bright @ bright) / 2, float(dark @ bright)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_training_with_the_term_learns_and_gathers_the_classes(seed: int) -> None:
    with_term, without = tiny(seed), tiny(seed)
    plain = Schedule(epochs=10, batch_size=4)
    train(with_term, halves(24, 0), 2, plain.model_copy(update={"contrastive": TERM}), seed)
    train(without, halves(24, 0), 2, plain, seed)
    assert evaluate(with_term, halves(6, 1), 2).miou.value > 0.9
    (within, between), (within_without, between_without) = cosines(with_term), cosines(without)
    assert within > within_without
    assert between < between_without
    assert with_term.state_dict().keys() == without.state_dict().keys()  # the projection stays outside


def images_seen(schedule: Schedule) -> tuple[list[Tensor], list[float]]:
    net = tiny()
    seen: list[Tensor] = []
    net.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]) if module.training else None)
    losses = train(net, halves(12, 0), 2, schedule, 0).losses
    return seen, losses


def test_order_augmentation_and_warm_up_are_those_of_a_training_without() -> None:
    crops = Schedule(epochs=4, batch_size=4, crop=(48, 32), scale=(0.5, 1.5))
    plain, plain_losses = images_seen(crops)
    paired, losses = images_seen(crops.model_copy(update={"contrastive": TERM}))
    assert len(plain) == len(paired) == 12
    assert all(torch.equal(one, other) for one, other in zip(plain, paired, strict=True))
    assert losses[0] == plain_losses[0]  # a quarter of the steps: the first epoch
    assert losses[1] > plain_losses[1]


def test_a_seed_repeats_itself_with_the_term() -> None:
    schedule = Schedule(epochs=2, batch_size=4, contrastive=Contrastive(warmup=0))
    assert images_seen(schedule)[1] == images_seen(schedule)[1]


def test_no_hook_is_left_behind() -> None:
    def stop(progress: object) -> None:
        raise InterruptedError

    net = tiny()
    schedule = Schedule(epochs=1, batch_size=4, contrastive=TERM)
    train(net, halves(8, 0), 2, schedule, 0)
    assert not net.classifier._forward_pre_hooks
    with pytest.raises(InterruptedError):
        train(net, halves(8, 0), 2, schedule, 0, aids=Aids(on_progress=stop))
    assert not net.classifier._forward_pre_hooks


def test_the_projection_learns_as_fast_as_the_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[torch.optim.AdamW] = []

    class Watched(torch.optim.AdamW):
        def __init__(self, groups: Any, fused: bool) -> None:
            super().__init__(groups, fused=fused)
            made.append(self)

    monkeypatch.setattr(torch.optim, "AdamW", Watched)
    net = tiny()
    train(net, halves(8, 0), 2, Schedule(epochs=1, batch_size=4, backbone_lr_ratio=0.25, contrastive=TERM), 0)
    rates: dict[float, int] = {}
    for group in made[0].param_groups:
        rates[group["max_lr"]] = rates.get(group["max_lr"], 0) + sum(p.numel() for p in group["params"])
    backbone = sum(p.numel() for p in net.backbone.parameters())
    rest = sum(p.numel() for p in net.parameters()) - backbone
    projection = 16 * 16 + 2 * 16 + 16 * 256 + 256
    assert rates == {0.002 * 0.25: backbone, 0.002: rest + projection}


def test_a_network_without_classifier_is_refused() -> None:
    schedule = Schedule(epochs=1, batch_size=4, contrastive=TERM)
    with pytest.raises(UserError, match="`classifier`, and Conv2d has none: name its last layer so"):
        train(nn.Conv2d(3, 2, 1), halves(4, 0), 2, schedule, 0)


def test_a_classifier_that_reads_no_map_is_refused() -> None:
    class Flat(Tiny):
        def forward(self, image: Tensor) -> Tensor:
            return image[:, :2] * self.body[0].bias.sum()  # type: ignore[operator]

    with pytest.raises(UserError, match=r"reads one map \(N, C, h, w\), and it read \[\]"):
        train(Flat(), halves(4, 0), 2, Schedule(epochs=1, batch_size=4, contrastive=TERM), 0)
