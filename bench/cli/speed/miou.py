"""`bench speed miou`: our confusion matrix against torchmetrics'."""

from __future__ import annotations

from statistics import median

import click

from bench.cli.common.output import say
from bench.cli.common.tables import make_console, make_table
from bench.errors import UserError

_AT_LEAST = 20.0
"""Times torchmetrics' images a second that ours should count, of a street."""


def run_miou(size: tuple[int, int], classes: int, rounds: int) -> bool:
    """Race and print; whether the promise is met.

    Raises:
        UserError: torchmetrics is not installed.
    """
    try:
        from bench.speed.miou import noise_maps, race_miou, street_maps
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is not installed: pip install torchmetrics") from None

    import torch

    say(f"{size[0]}x{size[1]}, {classes} classes, {rounds} rounds; torchmetrics has {torch.get_num_threads()} threads")
    table = make_table(
        "label maps", "ours\n(images/s)", "torchmetrics\n(images/s)", "ratio, median", "range", "mIoUs differ by"
    )
    fine = False
    for name, make in (("street", street_maps), ("noise", noise_maps)):
        result = race_miou(make(*size, classes), classes, rounds)
        ratios = sorted(result.ratios())
        speeds = [f"{result.images_a_second(counter):.1f}" for counter in ("bench", "torchmetrics")]
        spread = f"{ratios[0]:.0f}–{ratios[-1]:.0f}"
        table.add_row(name, *speeds, f"{median(ratios):.1f}", spread, f"{result.differs:.0e}")
        fine = fine or (name == "street" and median(ratios) >= _AT_LEAST)
    make_console().print(table)
    click.echo(f"promised {_AT_LEAST:g} times as many images of a street: {'met' if fine else 'NOT met'}")
    return fine
