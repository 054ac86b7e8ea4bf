"""`bench speed frozen`: an epoch with a frozen backbone against one of full fine-tuning."""

from __future__ import annotations

from statistics import median

import click
import torch

from bench.accuracy.precision import fastest_precision
from bench.cli.common.output import say
from bench.data import open_dataset
from bench.speed.frozen import one_start, race_epochs
from variants.names import parse_name
from variants.network import build

_AT_LEAST = 5.0
_CLASSES_OF = "streets"


def run_frozen(variant: str, size: tuple[int, int], images: int, rounds: int, threads: int) -> bool:
    """Race on generated images and print; whether the promise is met."""
    torch.set_num_threads(threads)
    width, height = size
    data = open_dataset(_CLASSES_OF, None, {"width": width, "height": height, "train": images})
    samples = list(data.load("train"))
    spec = parse_name(variant)
    precision = fastest_precision("cpu")
    say(f"{spec.name}, {images} images of {width}x{height}, {threads} threads, {precision}, {rounds} rounds in turns")
    make = one_start(lambda: build(spec, len(data.classes)))
    race = race_epochs(make, samples, classes=len(data.classes), precision=precision, rounds=rounds)
    ratios = sorted(race.ratios)
    fine = median(ratios) >= _AT_LEAST
    click.echo(
        f"an epoch takes {median(race.full):.2f} s by full fine-tuning and {median(race.frozen):.2f} s with a frozen "
        f"backbone, whose features took {race.features:.2f} s once: {median(ratios):.1f} times as fast "
        f"({ratios[0]:.1f} to {ratios[-1]:.1f}); promised {_AT_LEAST:g}: {'met' if fine else 'NOT met'}"
    )
    return fine
