"""`bench speed training`: our trainer against a plain PyTorch loop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import click

from bench.accuracy.precision import fastest_precision
from bench.cli.common.output import say
from bench.speed.training import Race, race_steps
from bench.speed.training_process import Loop, Subject
from bench.speed.training_to_end import EndRace, race_to_the_end
from bench.sweep.spacefile import load_space
from variants.names import parse_name

_AT_LEAST = 2.0
"""Times the plain loop's images a second."""


def run_training(
    variant: str,
    space_name: str,
    data_root: Path | None,
    weights_dir: Path | None,
    rounds: int,
    threads: int,
    seeds: Sequence[int],
    epochs: int | None,
) -> bool:
    """Race by the protocol of a space and print; whether the promise is met.

    Args:
        seeds: of trainings to the end, if any. epochs: in place of the space's own.

    Raises:
        UserError: the data or the weights are not there.
    """
    protocol = load_space(space_name).accuracy
    schedule = protocol.schedule.model_copy(update={"compile": False, **({"epochs": epochs} if epochs else {})})
    subject = Subject(
        spec=parse_name(variant),
        data_name=protocol.data.name,
        data_root=data_root,
        data_options=protocol.data.options,
        schedule=schedule,
        weights_dir=weights_dir,
        precision=fastest_precision("cpu"),
    )
    subject.check()
    say(f"{subject.spec.name} on {protocol.data.name}; ours in {subject.precision}; {schedule.describe()}")
    side_by_side = race_steps(
        subject,
        ("plain", "bench"),
        at_once=threads,
        threads=1,
        rounds=rounds,
        on_round=lambda n: say(f"side by side, round {n} of {rounds}"),
    )
    _print_side_by_side(side_by_side, threads)
    loops: tuple[Loop, ...] = ("plain", "plain from memory", "bench") if subject.has_files else ("plain", "bench")
    alone = race_steps(
        subject,
        loops,
        at_once=1,
        threads=threads,
        rounds=rounds,
        on_round=lambda n: say(f"alone, round {n} of {rounds}"),
    )
    fine = _print_alone(alone, threads)
    if seeds:
        ended = race_to_the_end(
            subject, threads, seeds, lambda loop, seed, miou: say(f"{loop}, seed {seed}: val mIoU {100 * miou:.1f} %")
        )
        fine = _print_end(ended, len(seeds)) and fine
    return fine


def _print_side_by_side(race: Race, at_once: int) -> None:
    click.echo(
        f"as a sweep trains, {at_once} at once with a thread each: ours {race.images_a_second('bench'):.1f} images/s, "
        f"as many plain loops {_against(race, 'plain')}"
    )


def _print_alone(race: Race, threads: int) -> bool:
    """Whether the promise is met, which is about one training."""
    fine = median(race.ratios("plain")) >= _AT_LEAST
    click.echo(
        f"one training alone, {threads} thread{'s' * (threads > 1)}: ours {race.images_a_second('bench'):.1f} "
        f"images/s, a plain loop {_against(race, 'plain')}; promised {_AT_LEAST:g}: {'met' if fine else 'NOT met'}"
    )
    if "plain from memory" in race.rates:
        click.echo(f"if it had its images in memory, the plain loop would make {_against(race, 'plain from memory')}")
    return fine


def _against(race: Race, peer: Loop) -> str:
    ratios = sorted(race.ratios(peer))
    words = f"{ratios[0]:.2f} to {ratios[-1]:.2f} over {len(ratios)} rounds"
    return f"{race.images_a_second(peer):.1f}: {median(ratios):.2f} times as many ({words})"


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
