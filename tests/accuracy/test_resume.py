"""A training that was stopped goes on to the same bits as one that was not."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

from bench.accuracy.checkpoint import Checkpoint
from bench.accuracy.course import TrainingLog
from bench.accuracy.evaluate import evaluate
from bench.accuracy.train import Aids, TrainingProgress, train
from bench.settings.schedule import Contrastive, Schedule
from tests.accuracy.test_training import halves
from variants.names import parse_name
from variants.network import build

PLAIN = Schedule(epochs=4, batch_size=4, crop=(48, 32), scale=(0.5, 1.5))
FULL = PLAIN.model_copy(update={"ema": 0.9, "policy": "poly", "contrastive": Contrastive(warmup=0.3)})

SCHEDULES = {"plain": PLAIN, "full": FULL}


class StoppedError(Exception):
    """In place of a kill."""


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return build(parse_name("lcnet_050+frm34-dnl-w16+fpn16-head16"), 2)


def run(net: nn.Module, schedule: Schedule, path: Path | None, stop_after: int | None = None) -> TrainingLog:
    """Train with a checkpoint after every step; stop after so many steps of this run."""
    steps = 0

    def count(progress: TrainingProgress) -> None:
        nonlocal steps
        if steps == stop_after:
            raise StoppedError
        steps += 1

    checkpoint = Checkpoint(path=path, every_s=0) if path else None
    aids = Aids(
        on_progress=count,
        checkpoint=checkpoint,
        validate=lambda net: evaluate(net, halves(3, 1), 2).miou.value,
        validate_after=(1, 3),
    )
    return train(net, halves(12, 0), 2, schedule, 0, aids=aids)


@cache
def undisturbed(name: str) -> tuple[nn.Module, TrainingLog]:
    """What a training that nothing stops leaves, by the name of its schedule."""
    net = network(0)
    return net, run(net, SCHEDULES[name], None)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", "full"])
@pytest.mark.parametrize("stops", [(1,), (3,), (7,), (2, 2, 3)], ids=str)
def test_a_stopped_training_ends_at_the_same_bits(name: str, stops: tuple[int, ...], tmp_path: Path) -> None:
    schedule, (whole, log) = SCHEDULES[name], undisturbed(name)
    path = tmp_path / "key.checkpoint"
    for seed, stop in enumerate(stops):
        with pytest.raises(StoppedError):
            run(network(seed), schedule, path, stop)
    torch.manual_seed(99)
    resumed = network(17)
    assert run(resumed, schedule, path) == log
    assert len(log.losses) == 4
    assert [epochs for epochs, _ in log.validations] == [1, 3]
    for of, weights in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[of], weights), of


@cache
def unvalidated() -> nn.Module:
    """A network of the plain schedule, trained without a look at it on the way."""
    net = network(0)
    train(net, halves(12, 0), 2, PLAIN, 0)
    return net


def test_a_paused_training_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    whole = unvalidated()
    path = tmp_path / "key.checkpoint"
    for stop_after, seed in ((1, 0), (3, 17), (None, 18)):
        net = network(seed)
        log = train(net, halves(12, 0), 2, PLAIN, 0, aids=Aids(checkpoint=Checkpoint(path=path), stop_after=stop_after))
        assert len(log.losses) == (stop_after or PLAIN.epochs)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), whole.parameters(), strict=True))


def test_validation_changes_no_bit() -> None:
    plain, (validated, _) = unvalidated(), undisturbed("plain")
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), validated.parameters(), strict=True))


@pytest.mark.slow
def test_a_broken_checkpoint_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "key.checkpoint"
    with pytest.raises(StoppedError):
        run(network(0), PLAIN, path, 5)
    path.write_bytes(path.read_bytes()[:1000])
    assert Checkpoint(path=path).load() is None
    path.write_text("another program's file")
    assert Checkpoint(path=path).load() is None
    assert run(network(0), PLAIN, path) == undisturbed("plain")[1]


def test_a_checkpoint_is_written_now_and_then(tmp_path: Path) -> None:
    def never() -> dict[str, int]:
        raise AssertionError

    checkpoint = Checkpoint(path=tmp_path / "key.checkpoint", every_s=3600)
    checkpoint.offer(never)
    assert checkpoint.load() is None
    checkpoint.write({"step": 3})
    assert checkpoint.load() == {"step": 3}
    checkpoint.remove()
    assert not list(tmp_path.iterdir())
