"""`bench speed halving`: successive halving, replayed on trainings that went to the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import click

from bench.cli.common.output import say
from bench.cli.common.tables import make_console, make_table
from bench.cli.speed.promise import verdict

if TYPE_CHECKING:
    from bench.speed.halving import HalvingRace

_LEAST_VOLUME = 0.98
_MOST_COMPUTE = 0.35


def run_halving(sweep: str, results_dir: Path, spend: float, replays: int) -> bool:
    """Replay and print; whether the promise is met in the median of the shuffled replays, by the strict reference.

    Raises:
        UserError: no such sweep, trainings that were not looked at before their end, or fewer than two.
    """
    from bench.speed.halving import race_halving
    from bench.storage.store import Store

    found = race_halving(Store(results_dir), sweep, spend, replays)
    rungs = ", ".join(f"{rung.keep} go on after epoch {rung.epochs}" for rung in found.rungs)
    share = f"{100 * found.share:.1f} % of the epochs"
    say(f"{sweep}: {found.variants} variants of {found.epochs} epochs, {rungs}: {share}")
    taus = ", ".join(f"{tau:+.2f} after epoch {look}" for look, tau in found.agreement.items())
    click.echo(f"Kendall's tau of the early mIoU against the final one: {taus}")
    _print_volumes(found, replays)
    fine = found.volume >= _LEAST_VOLUME and found.compute <= _MOST_COMPUTE
    click.echo(
        f"promised {100 * _LEAST_VOLUME:g} % of the strict hypervolume for at most {100 * _MOST_COMPUTE:g} % of the "
        f"training time: {verdict(fine)}"
    )
    return fine


def _print_volumes(found: HalvingRace, replays: int) -> None:
    from bench.speed.halving import SUBSET

    table = make_table(
        "replays",
        "training time\nof all (%)",
        "hypervolume (%)\nstrict reference",
        "hypervolume (%)\nlenient reference",
    )
    for name, runs in (
        (f"{replays}: all variants, shuffled", found.whole),
        (f"{replays}: {100 * SUBSET:.0f} % of them, at random", found.parts),
        ("no rungs, a bound in hindsight", found.bound),
    ):
        table.add_row(name, *(_spread(values) for values in (runs.compute, runs.strict, runs.lenient)))
    make_console().print(table)
    click.echo(
        "Median (range). Strict: a tenth above the highest MACs, and a tenth of the range of mIoUs below the lowest. "
        "Lenient: the same MACs, and an mIoU of 0. In hindsight: a variant stops only once another of no more MACs "
        "leads by more than any lead that was lost from there on: the best that a bound on leads can do."
    )


def _spread(shares: Sequence[float]) -> str:
    middle, low, high = (100 * value for value in (median(shares), min(shares), max(shares)))
    return f"{middle:.1f} ({low:.1f}–{high:.1f})"
