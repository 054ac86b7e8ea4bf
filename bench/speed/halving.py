"""Successive halving, replayed on trainings that went to the end: what it saves and what it loses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.analysis.halving_replay import (
    Curve,
    Replay,
    common_looks,
    curves_of,
    rank_agreement,
    replay,
    replay_bound,
    shuffled,
    volume_share,
)
from bench.analysis.selection import select
from bench.analysis.successive_halving import Rung, plan_rungs, spent_share
from bench.errors import UserError
from bench.stats.pareto import Point, nadir_reference, zero_reference
from bench.storage.store import Store

SUBSET = 0.75
"""Share of the variants in a replay on some of them."""
_FEWEST = 2
"""Variants that there is something to choose among."""


@dataclass(frozen=True)
class Replays:
    """Several replays, or one. All shares from 0 to 1.

    Attributes:
        compute: Of the training time of all variants.
        strict: Of the hypervolume, by a reference near the worst of the sweep.
        lenient: Of the hypervolume, by a reference at an mIoU of 0.
    """

    compute: list[float]
    strict: list[float]
    lenient: list[float]


@dataclass(frozen=True, kw_only=True)
class HalvingRace:
    """Halving against training every variant to the end.

    Attributes:
        variants: That were trained.
        epochs: Of each.
        rungs: After which epochs how many go on.
        share: Of the epochs that the rungs spend, 0 to 1.
        agreement: Kendall's tau of the early mIoU against the final one, by epochs.
        whole: Of all variants, shuffled.
        parts: Of `SUBSET` of them, at random.
        bound: Without rungs: a variant stops once another leads by more than any lead that was lost later.
    """

    variants: int
    epochs: int
    rungs: Sequence[Rung]
    share: float
    agreement: dict[int, float]
    whole: Replays
    parts: Replays
    bound: Replays

    @property
    def volume(self) -> float:
        """Median share of the strict hypervolume over the shuffled replays."""
        return median(self.whole.strict)

    @property
    def compute(self) -> float:
        """Median share of the training time over the shuffled replays."""
        return median(self.whole.compute)


def race_halving(store: Store, sweep: str, spend: float, replays: int) -> HalvingRace:
    """Replay halving on the records of a sweep.

    Args:
        spend: share of the epochs that halving may take.
        replays: of each kind, each in another order.

    Raises:
        UserError: no such sweep, trainings that were not looked at before their end, or fewer than two.
    """
    curves = curves_of(select(store.read_known(sweep), store.read_plan(sweep).keys).shown)
    if len(curves) < _FEWEST:
        raise UserError(f"{sweep} has {len(curves)} trained variants, and halving chooses among {_FEWEST} or more.")
    looks, epochs = common_looks(curves), curves[0].epochs
    rungs = plan_rungs(len(curves), looks, epochs, spend)
    return HalvingRace(
        variants=len(curves),
        epochs=epochs,
        rungs=rungs,
        share=spent_share(len(curves), rungs, epochs),
        agreement={look: rank_agreement(curves, look) for look in looks},
        whole=_replays(curves, replays, 1.0, lambda some: rungs),
        parts=_replays(curves, replays, SUBSET, lambda some: plan_rungs(len(some), looks, epochs, spend)),
        bound=_measured([(curves, replay_bound(curves))]),
    )


def _replays(curves: list[Curve], count: int, share: float, rungs_of: Callable[[list[Curve]], list[Rung]]) -> Replays:
    drawn = [shuffled(curves, seed, share) for seed in range(count)]
    return _measured([(some, replay(some, rungs_of(some))) for some in drawn])


def _measured(runs: Sequence[tuple[list[Curve], Replay]]) -> Replays:
    return Replays(
        compute=[run.share for _, run in runs],
        strict=_volumes(runs, nadir_reference),
        lenient=_volumes(runs, zero_reference),
    )


def _volumes(runs: Sequence[tuple[list[Curve], Replay]], reference: Callable[[Sequence[Point]], Point]) -> list[float]:
    return [
        volume_share(run.kept, curves, reference([curve.standing(curve.epochs) for curve in curves]))
        for curves, run in runs
    ]
