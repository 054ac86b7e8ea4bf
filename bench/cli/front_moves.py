"""A sweep against another sweep, or against itself at another revision: how its front moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.say import say

if TYPE_CHECKING:
    from bench.judge.front_moves import FrontMove, PointMove
    from bench.judge.limits import Limit
    from bench.store import Store

METRICS = ("macs", "parameters")
"""Costs that no machine changes."""


def compare_fronts(
    sweep: str, old: str, results_dir: Path, limits: Sequence[Limit] = ()
) -> tuple[list[FrontMove], list[PointMove]]:
    """Compare and print.

    Args:
        old: a sweep of the same folder, or a revision at which the same sweep was committed.
        limits: operating points that are pinned.

    Raises:
        UserError: there is no such sweep or revision, or the two do not stand side by side.
    """
    from bench.judge.from_records import Records
    from bench.judge.front_moves import front_move, point_move
    from bench.judge.grounds import load_grounds
    from bench.render.front_move_words import move_lines
    from bench.store import Store

    metrics = ["miou_val", *METRICS]
    after = load_grounds(Records(Store(results_dir)), [sweep], metrics)
    with _old_store(sweep, old, results_dir) as (store, name):
        before = load_grounds(Records(store), [name], metrics)
    moves = [front_move(before, after, metric) for metric in METRICS]
    points = [point_move(before, after, limit) for limit in limits]
    say(f"{sweep}, {len(after.candidates)} variants, against {old}, {len(before.candidates)} variants")
    for line in move_lines(moves, points):
        click.echo(line)
    spread = after.spread.describe() if after.spread else "one seed, of others nothing is known"
    say(f"intervals (95 %) are over the images of the validation split, with {spread}")
    return moves, points


@contextmanager
def _old_store(sweep: str, old: str, results_dir: Path) -> Iterator[tuple[Store, str]]:
    from bench.latency.checkout import checked_out
    from bench.store import Store

    store = Store(results_dir)
    if old in store.sweeps():
        yield store, old
        return
    with checked_out(old, results_dir.resolve().parent) as checkout:
        yield Store(checkout.root / _in_repository(results_dir)), sweep


def _in_repository(results_dir: Path) -> Path:
    """The folder's place in its repository."""
    from bench.latency.checkout import repository_of

    return results_dir.resolve().relative_to(repository_of(results_dir.resolve().parent).resolve())
