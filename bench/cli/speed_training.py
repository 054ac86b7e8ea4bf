"""`bench speed training`: our trainer against a plain PyTorch loop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import click
import torch
from torch import nn

from bench.accuracy.datasets import open_dataset
from bench.accuracy.datasets.files import FileDataset
from bench.accuracy.precision import fastest_precision
from bench.accuracy.speed_training import EndRace, Loop, StepRace, race_steps, race_to_the_end
from bench.cli.say import say
from bench.sweep.spacefile import load_space
from variants.names import parse_name
from variants.network import build

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
    schedule = protocol.schedule.model_copy(update={"epochs": epochs} if epochs else {})
    data = open_dataset(protocol.data.name, data_root, protocol.data.options)
    spec = parse_name(variant)
    precision = fastest_precision("cpu")

    def make_net(seed: int = 0) -> nn.Module:
        torch.manual_seed(seed)
        return build(spec, len(data.classes), schedule.pretraining == "imagenet", weights_dir)

    say(f"{spec.name} on {data.name}, {threads} threads; ours in {precision}; {schedule.describe()}")
    files = isinstance(data, FileDataset)  # a data set that is drawn has no files to read
    train = data.load("train") if files else list(data.load("train"))
    race = race_steps(
        make_net, train, list(train), schedule, precision, rounds, lambda n: say(f"step {n} of {rounds}")
    )  # fmt: skip
    fine = _print_steps(race, files)
    if seeds:
        ended = race_to_the_end(
            make_net, train, list(data.load("val")), len(data.classes), schedule, precision, seeds,
            lambda loop, seed, miou: say(f"{loop}, seed {seed}: val mIoU {100 * miou:.1f} %"),
        )  # fmt: skip
        fine = _print_end(ended, len(seeds)) and fine
    return fine


def _print_steps(race: StepRace, files: bool) -> bool:
    """Whether the promise is met, against a loop that reads its images as it goes, where there are files."""
    fine = median(race.ratios("plain")) >= _AT_LEAST
    click.echo(
        f"ours {race.images_a_second('bench'):.1f} images/s; a plain loop {_against(race, 'plain')}; promised "
        f"{_AT_LEAST:g}: {'met' if fine else 'NOT met'}"
    )
    if files:
        click.echo(f"with its images in memory the plain loop makes {_against(race, 'plain from memory')}")
    return fine


def _against(race: StepRace, peer: Loop) -> str:
    ratios = sorted(race.ratios(peer))
    spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f} over {len(ratios)} rounds"
    return f"{race.images_a_second(peer):.1f}, ours {median(ratios):.2f} times as many ({spread})"


def _print_end(race: EndRace, seeds: int) -> bool:
    """Whether the two reach the same mIoU: 0 lies in the interval of their difference."""
    mious = {loop: sum(result.miou.value for result in of) / seeds for loop, of in race.results.items()}
    value, low, high = (100 * part for part in (race.difference.value, race.difference.low, race.difference.high))
    same = low <= 0 <= high
    click.echo(
        f"to the end, {seeds} seeds: val mIoU {100 * mious['bench']:.1f} % with ours in {race.seconds['bench']:.0f} s, "
        f"{100 * mious['plain']:.1f} % with the plain loop in {race.seconds['plain']:.0f} s; difference "
        f"{value:+.1f} points (95 % interval {low:+.1f} to {high:+.1f}, over images and seeds): "
        f"{'the same within it' if same else 'NOT the same'}"
    )
    return same
