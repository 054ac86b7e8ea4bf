"""The front guard: a sweep against itself at another revision, or against another sweep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.analysis.constraints import Limit
from bench.analysis.seed_variance import SeedSpread
from bench.decision.decision_data import Grounds, load_grounds
from bench.decision.front_changes import FrontMove, PointMove, front_move, point_move
from bench.decision.record_evidence import Chosen, RecordEvidence, Records
from bench.errors import UserError
from bench.latency.checkout import UnknownRevisionError, checked_out_folder
from bench.metrics import SCORE
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


@dataclass(frozen=True, kw_only=True)
class FrontComparison:
    """How the fronts of a sweep moved, and the best within each pinned limit.

    Attributes:
        sweep: Its name.
        against: What it was compared with, as people call it.
        variants: Of the sweep that have every number.
        variants_before: The same of the other side.
        moves: One for each metric of `METRICS`.
        points: One for each limit.
        spread: Of the mIoU between seeds; None where it is not known.
        same_records: Both sides are the same measurements, so that nothing was compared.
    """

    sweep: str
    against: str
    variants: int
    variants_before: int
    moves: Sequence[FrontMove]
    points: Sequence[PointMove]
    spread: SeedSpread | None
    same_records: bool

    @property
    def is_worse(self) -> bool:
        """Whether a front or a pinned point is worse beyond noise, or cannot be judged."""
        return any(move.is_worse for move in self.moves) or any(point.is_worse for point in self.points)

    @property
    def figures(self) -> int:
        """Figures that were compared."""
        return 0 if self.same_records else len(self.moves) + len(self.points)


def compare_fronts(sweep: str, against: Reference, results_dir: Path, limits: Sequence[Limit] = ()) -> FrontComparison:
    """Compare the fronts of a sweep over every metric of `METRICS`.

    Args:
        limits: operating points that are pinned.

    Raises:
        UserError: there is no such sweep or revision, or the two cannot be compared.
    """
    after, head = _load(Store(results_dir), sweep)
    with _old_store(sweep, against, results_dir) as (store, name, label):
        before, base = _load(store, name)
    return FrontComparison(
        sweep=sweep,
        against=label,
        variants=len(after.candidates),
        variants_before=len(before.candidates),
        moves=[front_move(before, after, metric) for metric in METRICS],
        points=[point_move(before, after, limit) for limit in limits],
        spread=after.spread,
        same_records=_measurements(base) == _measurements(head),
    )


def _load(store: Store, sweep: str) -> tuple[Grounds, RecordEvidence]:
    """What a decision on the sweep reads, and the records behind it."""
    metrics = [SCORE, *METRICS]
    evidence = Records(store).choose([sweep], metrics, "")
    return load_grounds(Chosen(evidence), [sweep], metrics), evidence


def _measurements(evidence: RecordEvidence) -> set[tuple[str, str, tuple[tuple[str, float], ...]]]:
    """Which measurements were made, and what they gave: key, start and metrics."""
    return {(r.key, r.started, tuple(sorted(r.metrics.items()))) for r in evidence.records}


@contextmanager
def _old_store(sweep: str, against: Reference, results_dir: Path) -> Iterator[tuple[Store, str, str]]:
    """The store of the other side, its sweep, and how it is called."""
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
