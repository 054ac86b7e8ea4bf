"""A sweep against another sweep, or against itself at another revision: how its front moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.common.output import say
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.analysis.constraints import Limit
    from bench.decision.decision_data import Grounds
    from bench.decision.front_changes import FrontMove, PointMove
    from bench.decision.record_evidence import RecordEvidence
    from bench.storage.store import Store

METRICS = ("macs", "parameters")
"""Costs that no machine changes."""


@dataclass(frozen=True)
class Reference:
    """What a sweep is compared with: itself at a git revision, or another sweep of the same folder."""

    revision: str | None = None
    sweep: str | None = None

    def __str__(self) -> str:
        return str(self.revision or self.sweep)


@dataclass(frozen=True)
class FrontComparison:
    """How the fronts of a sweep moved, and the best within each pinned limit.

    Attributes:
        moves: One for each metric of `METRICS`.
        points: One for each limit.
        same_records: Both sides are the same measurements, so that nothing was compared.
    """

    moves: Sequence[FrontMove]
    points: Sequence[PointMove]
    same_records: bool

    @property
    def is_worse(self) -> bool:
        """Whether a front or a pinned point is worse beyond noise, or cannot be judged."""
        return any(move.is_worse for move in self.moves) or any(point.is_worse for point in self.points)

    @property
    def figures(self) -> int:
        """Figures that were compared."""
        return 0 if self.same_records else len(self.moves) + len(self.points)


def reference(revision: str | None, sweep: str | None) -> Reference | None:
    """What the options `--against` and `--against-sweep` name; None without them.

    Raises:
        UserError: both are given.
    """
    if revision is not None and sweep is not None:
        raise UserError("--against names a git revision and --against-sweep a sweep. Give one of them.")
    return None if revision is None and sweep is None else Reference(revision, sweep)


def compare_fronts(sweep: str, against: Reference, results_dir: Path, limits: Sequence[Limit] = ()) -> FrontComparison:
    """Compare and print.

    Args:
        limits: operating points that are pinned.

    Raises:
        UserError: there is no such sweep or revision, or the two cannot be compared.
    """
    from bench.decision.front_changes import front_move, point_move
    from bench.render.front_changes_text import move_lines
    from bench.storage.store import Store

    after, head = _load(Store(results_dir), sweep)
    with _old_store(sweep, against, results_dir) as (store, name, label):
        before, base = _load(store, name)
    found = FrontComparison(
        [front_move(before, after, metric) for metric in METRICS],
        [point_move(before, after, limit) for limit in limits],
        _measurements(base) == _measurements(head),
    )
    say(f"{sweep}, {len(after.candidates)} variants, against {label}, {len(before.candidates)} variants")
    for line in move_lines(found.moves, found.points):
        click.echo(line)
    spread = after.spread.describe() if after.spread else "one seed, of others nothing is known"
    say(f"intervals (95 %) are over the images of the validation split, with {spread}")
    if found.same_records:
        say(f"{sweep}: nothing was compared, since {label} holds the same records.")
    return found


def _load(store: Store, sweep: str) -> tuple[Grounds, RecordEvidence]:
    """What a decision on the sweep reads, and the records behind it."""
    from bench.decision.decision_data import load_grounds
    from bench.decision.record_evidence import Chosen, Records

    metrics = ["miou_val", *METRICS]
    evidence = Records(store).choose([sweep], metrics, "")
    return load_grounds(Chosen(evidence), [sweep], metrics), evidence


def _measurements(evidence: RecordEvidence) -> set[tuple[str, str, tuple[tuple[str, float], ...]]]:
    """Which measurements were made, and what they gave: key, start and metrics."""
    return {(r.key, r.started, tuple(sorted(r.metrics.items()))) for r in evidence.records}


@contextmanager
def _old_store(sweep: str, against: Reference, results_dir: Path) -> Iterator[tuple[Store, str, str]]:
    """The store of the other side, its sweep, and how it is called."""
    from bench.latency.checkout import UnknownRevisionError, checked_out_folder
    from bench.storage.store import Store

    store = Store(results_dir)
    if against.sweep is not None:
        yield store, against.sweep, f"sweep {against.sweep}"
        return
    assert against.revision is not None
    try:
        with checked_out_folder(against.revision, results_dir) as (folder, label):
            yield Store(folder), sweep, label
    except UnknownRevisionError as error:
        if against.revision not in store.sweeps():
            raise
        raise UserError(
            f"{error} {results_dir} holds a sweep of that name: `--against-sweep {against.revision}` compares with it."
        ) from None
