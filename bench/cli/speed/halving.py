"""`bench speed halving`: successive halving, replayed on trainings that went to the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import click

from bench.cli.common.output import say
from bench.cli.common.tables import make_console, make_table
from bench.cli.speed.promise import verdict
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.analysis.halving_replay import Curve, Replay
    from bench.analysis.successive_halving import Rung
    from bench.stats.pareto import Point

_FEWEST = 2
"""Variants that there is something to choose among."""
_LEAST_VOLUME = 0.98
_MOST_COMPUTE = 0.35
_SUBSET = 0.75
"""Share of the variants in a replay on some of them."""


def run_halving(sweep: str, results_dir: Path, spend: float, replays: int) -> bool:
    """Replay and print; whether the promise is met in the median of the shuffled replays, by the strict reference.

    Raises:
        UserError: no such sweep, trainings that were not looked at before their end, or fewer than two.
    """
    from bench.analysis.halving_replay import common_looks, curves_of, replay_bound
    from bench.analysis.selection import select
    from bench.analysis.successive_halving import plan_rungs, spent_share
    from bench.storage.store import Store

    store = Store(results_dir)
    curves = curves_of(select(store.read_known(sweep), store.read_plan(sweep).keys).shown)
    if len(curves) < _FEWEST:
        raise UserError(f"{sweep} has {len(curves)} trained variants, and halving chooses among {_FEWEST} or more.")
    looks, epochs = common_looks(curves), curves[0].epochs
    rungs = plan_rungs(len(curves), looks, epochs, spend)
    share = spent_share(len(curves), rungs, epochs)
    say(f"{sweep}: {len(curves)} variants of {epochs} epochs, {_rung_words(rungs)}: {100 * share:.1f} % of the epochs")
    _print_agreement(curves, looks)
    whole = _replays(curves, replays, 1.0, lambda some: rungs)
    parts = _replays(curves, replays, _SUBSET, lambda some: plan_rungs(len(some), looks, epochs, spend))
    bound = [(curves, replay_bound(curves))]
    return _print_volumes(
        {
            f"{replays}: all variants, shuffled": whole,
            f"{replays}: {100 * _SUBSET:.0f} % of them, at random": parts,
            "no rungs, a bound in hindsight": bound,
        }
    )


def _replays(
    curves: list[Curve], count: int, share: float, rungs_of: Callable[[list[Curve]], list[Rung]]
) -> list[tuple[list[Curve], Replay]]:
    from bench.analysis.halving_replay import replay, shuffled

    drawn = [shuffled(curves, seed, share) for seed in range(count)]
    return [(some, replay(some, rungs_of(some))) for some in drawn]


def _rung_words(rungs: Sequence[Rung]) -> str:
    return ", ".join(f"{rung.keep} go on after epoch {rung.epochs}" for rung in rungs)


def _print_agreement(curves: Sequence[Curve], looks: Sequence[int]) -> None:
    from bench.analysis.halving_replay import rank_agreement

    taus = ", ".join(f"{rank_agreement(curves, look):+.2f} after epoch {look}" for look in looks)
    click.echo(f"Kendall's tau of the early mIoU against the final one: {taus}")


def _print_volumes(groups: dict[str, list[tuple[list[Curve], Replay]]]) -> bool:
    from bench.stats.pareto import nadir_reference, zero_reference

    table = make_table(
        "replays",
        "training time\nof all (%)",
        "hypervolume (%)\nstrict reference",
        "hypervolume (%)\nlenient reference",
    )
    for name, runs in groups.items():
        shares = [run.share for _, run in runs]
        strict, lenient = (_volumes(runs, reference) for reference in (nadir_reference, zero_reference))
        table.add_row(name, *(_spread(values) for values in (shares, strict, lenient)))
    make_console().print(table)
    click.echo(
        "Median (range). Strict: a tenth above the highest MACs, and a tenth of the range of mIoUs below the lowest. "
        "Lenient: the same MACs, and an mIoU of 0. In hindsight: a variant stops only once another of no more MACs "
        "leads by more than any lead that was lost from there on: the best that a bound on leads can do."
    )
    runs = next(iter(groups.values()))
    volume, spent = median(_volumes(runs, nadir_reference)), median(run.share for _, run in runs)
    fine = volume >= _LEAST_VOLUME and spent <= _MOST_COMPUTE
    click.echo(
        f"promised {100 * _LEAST_VOLUME:g} % of the strict hypervolume for at most {100 * _MOST_COMPUTE:g} % of the "
        f"training time: {verdict(fine)}"
    )
    return fine


def _volumes(runs: Sequence[tuple[list[Curve], Replay]], reference: Callable[[Sequence[Point]], Point]) -> list[float]:
    from bench.analysis.halving_replay import volume_share

    return [
        volume_share(run.kept, curves, reference([curve.standing(curve.epochs) for curve in curves]))
        for curves, run in runs
    ]


def _spread(shares: Sequence[float]) -> str:
    middle, low, high = (100 * value for value in (median(shares), min(shares), max(shares)))
    return f"{middle:.1f} ({low:.1f}–{high:.1f})"
