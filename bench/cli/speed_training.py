"""`bench speed training`: our trainer against a plain PyTorch loop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import click
import torch

from bench.accuracy.datasets.files import FileDataset
from bench.accuracy.precision import fastest_precision
from bench.accuracy.speed_side_by_side import Subject, ThroughputRace, race_side_by_side
from bench.accuracy.speed_training import EndRace, Loop, StepRace, race_steps, race_to_the_end
from bench.cli.say import say
from bench.sweep.spacefile import load_space
from variants.names import parse_name

_AT_LEAST = 2.0
"""Times the plain loop's images a second."""


def run_training(
    variant: str, space_name: str, data_root: Path | None, weights_dir: Path | None, rounds: int, threads: int,
    seeds: Sequence[int], epochs: int | None,
) -> bool:  # fmt: skip
    """Race by the protocol of a space and print; whether the promise is met.

    Args:
        seeds: of trainings to the end, if any. epochs: in place of the space's own.

    Raises:
        UserError: the data or the weights are not there.
    """
    torch.set_num_threads(threads)
    protocol = load_space(space_name).accuracy
    schedule = protocol.schedule.model_copy(update={"compile": False, **({"epochs": epochs} if epochs else {})})
    subject = Subject(
        parse_name(variant), protocol.data.name, data_root, protocol.data.options, schedule, weights_dir,
        fastest_precision("cpu"),
    )  # fmt: skip
    data, precision, train = subject.dataset(), subject.precision, subject.train_split()
    say(f"{subject.spec.name} on {data.name}; ours in {precision}; {schedule.describe()}")
    side_by_side = race_side_by_side(subject, threads, rounds, lambda n: say(f"side by side, round {n} of {rounds}"))
    _print_side_by_side(side_by_side)
    race = race_steps(
        subject.net, train, list(train), schedule, precision, rounds, lambda n: say(f"alone, round {n} of {rounds}")
    )  # fmt: skip
    fine = _print_steps(race, threads, isinstance(data, FileDataset))
    if seeds:
        ended = race_to_the_end(
            subject.net, train, list(data.load("val")), len(data.classes), schedule, precision, seeds,
            lambda loop, seed, miou: say(f"{loop}, seed {seed}: val mIoU {100 * miou:.1f} %"),
        )  # fmt: skip
        fine = _print_end(ended, len(seeds)) and fine
    return fine


def _print_side_by_side(race: ThroughputRace) -> None:
    ratios = sorted(race.ratios())
    click.echo(
        f"as a sweep trains, {race.at_once} at once with a thread each: ours {median(race.ours):.1f} images/s, as many "
        f"plain loops {median(race.plain):.1f}: {median(ratios):.2f} times as many ({_range(ratios)})"
    )


def _print_steps(race: StepRace, threads: int, files: bool) -> bool:
    """Whether the promise is met, which is about one training."""
    fine = median(race.ratios("plain")) >= _AT_LEAST
    click.echo(
        f"one training alone, {threads} thread{'s' * (threads > 1)}: ours {race.images_a_second('bench'):.1f} "
        f"images/s, a plain loop {_against(race, 'plain')}; promised {_AT_LEAST:g}: {'met' if fine else 'NOT met'}"
    )
    if files:
        click.echo(f"if it had its images in memory, the plain loop would make {_against(race, 'plain from memory')}")
    return fine


def _against(race: StepRace, peer: Loop) -> str:
    ratios = sorted(race.ratios(peer))
    return f"{race.images_a_second(peer):.1f}: {median(ratios):.2f} times as many ({_range(ratios)})"


def _range(ratios: Sequence[float]) -> str:
    """Of ascending ratios."""
    return f"{ratios[0]:.2f} to {ratios[-1]:.2f} over {len(ratios)} rounds"


def _print_end(race: EndRace, seeds: int) -> bool:
    """Whether the two reach the same mIoU: 0 lies in the interval of their difference."""
    mious = {loop: sum(result.miou.value for result in of) / seeds for loop, of in race.results.items()}
    value, low, high = (100 * part for part in (race.difference.value, race.difference.low, race.difference.high))
    same = low <= 0 <= high
    click.echo(
        f"to the end, {seeds} seed{'s' * (seeds > 1)}: val mIoU {100 * mious['bench']:.1f} % with ours in "
        f"{race.seconds['bench']:.0f} s, {100 * mious['plain']:.1f} % with the plain loop in "
        f"{race.seconds['plain']:.0f} s; difference {value:+.1f} points (95 % interval {low:+.1f} to {high:+.1f}, "
        f"over images and seeds): {'the same within it' if same else 'NOT the same'}"
    )
    return same
