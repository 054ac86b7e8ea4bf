"""Replay successive halving on trainings that went to the end: what would it have kept, and what saved?"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from scipy.stats import kendalltau

from bench.analysis.successive_halving import Rung, decide
from bench.errors import UserError
from bench.metrics import SCORE
from bench.stats.pareto import Point, hypervolume
from bench.stats.rank_correlation import LEAST
from bench.storage.records import AccuracyRecord, Record


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One variant, trained to the end. miou: on the validation split by epochs, mean of the seeds, 0 to 1."""

    variant: str
    cost: float
    miou: dict[int, float]
    epochs: int
    seconds: float
    """Of its training, all seeds."""

    def standing(self, epochs: int) -> Point:
        """Cost and mIoU after so many epochs."""
        return self.cost, self.miou[epochs]

    @property
    def looks(self) -> list[int]:
        """Epochs after which the mIoU is known, before the last."""
        return sorted(self.miou.keys() - {self.epochs})


@dataclass(frozen=True)
class Replay:
    """kept: variants that were trained to the end. share: of the training seconds of all."""

    kept: list[Curve]
    share: float


def curves_of(records: Sequence[Record]) -> list[Curve]:
    """The variants of a sweep whose accuracy and MACs are known.

    Args:
        records: those that a report shows.

    Raises:
        UserError: the trainings were not looked at before their end.
    """
    curves = _curves(records)
    if not curves or not common_looks(curves):
        raise UserError(
            "these trainings were not looked at before their end, so nothing can be replayed. Sweep the space again "
            "with this version of bench."
        )
    return curves


def _curves(records: Sequence[Record]) -> list[Curve]:
    macs = {r.variant: r.metrics["macs"] for r in records if r.group == "cost"}
    seeds: dict[str, list[AccuracyRecord]] = {}
    for record in records:
        if isinstance(record, AccuracyRecord) and record.variant in macs:
            seeds.setdefault(record.variant, []).append(record)
    return [_curve(macs[variant], runs) for variant, runs in seeds.items()]


def common_looks(curves: Sequence[Curve]) -> list[int]:
    """The epochs before the last after which the mIoU of every variant is known."""
    return sorted(set.intersection(*(set(curve.looks) for curve in curves)))


def _curve(macs: float, runs: list[AccuracyRecord]) -> Curve:
    epochs = runs[0].setting.schedule.epochs
    looks = [dict(run.details.get("validations", [])) | {epochs: run.metrics[SCORE]} for run in runs]
    common = set.intersection(*(set(look) for look in looks))
    miou = {epoch: mean(look[epoch] for look in looks) for epoch in common}
    seconds = sum(run.details.get("training_s", run.seconds) for run in runs)  # older records have the whole alone
    return Curve(variant=runs[0].variant, cost=macs, miou=miou, epochs=epochs, seconds=seconds)


def replay(curves: Sequence[Curve], rungs: Sequence[Rung]) -> Replay:
    """Halve as a sweep would, reading the mIoUs in place of training."""
    alive, before, spent = list(curves), 0, 0.0
    for rung in rungs:
        spent += _seconds(alive, rung.epochs - before)
        standings = {curve.variant: curve.standing(rung.epochs) for curve in alive}
        kept = set(decide(standings, rung.keep).kept)
        alive, before = [curve for curve in alive if curve.variant in kept], rung.epochs
    spent += _seconds(alive, curves[0].epochs - before)
    return Replay(alive, spent / sum(curve.seconds for curve in curves))


def replay_bound(curves: Sequence[Curve]) -> Replay:
    """Stop a variant only when what it may still reach is dominated, in place of keeping a share at each rung.

    What it may reach is known in hindsight alone: at a look a variant is out when another of no more cost leads by
    more than any lead that was lost from there to the end: the best that a bound on the lead can do.
    """
    alive, before, spent = list(curves), 0, 0.0
    for look in common_looks(curves):
        spent += _seconds(alive, look - before)
        gains = [curve.miou[curve.epochs] - curve.miou[look] for curve in curves]
        alive = [one for one in alive if not _is_out(one, alive, look, max(gains) - min(gains))]
        before = look
    spent += _seconds(alive, curves[0].epochs - before)
    return Replay(alive, spent / sum(curve.seconds for curve in curves))


def _is_out(one: Curve, others: Sequence[Curve], look: int, lead: float) -> bool:
    return any(other.cost <= one.cost and other.miou[look] - one.miou[look] > lead for other in others)


def _seconds(curves: Sequence[Curve], epochs: int) -> float:
    return sum(curve.seconds * epochs / curve.epochs for curve in curves)


def volume_share(kept: Sequence[Curve], curves: Sequence[Curve], reference: Point) -> float:
    """Hypervolume of those that were kept over that of all, by their mIoUs at the end; 1 where all reached the same."""
    kept_volume, volume = (hypervolume([c.standing(c.epochs) for c in some], reference) for some in (kept, curves))
    return kept_volume / volume if volume else 1.0


def shuffled(curves: Sequence[Curve], seed: int, share: float = 1.0) -> list[Curve]:
    """The variants, or a random share of them, in a random order."""
    return random.Random(seed).sample(list(curves), max(2, round(share * len(curves))))  # noqa: S311 - no secret


def rank_agreement(curves: Sequence[Curve], epochs: int) -> float:
    """Kendall's tau-b between the mIoUs after `epochs` and at the end, -1 to 1 (Biometrika 33, 1945)."""
    early, final = ([curve.miou[at] for curve in curves] for at in (epochs, curves[0].epochs))
    return float(kendalltau(early, final).statistic)


def early_agreement(records: Sequence[Record]) -> dict[int, float]:
    """`rank_agreement` at each look that all variants had; empty for fewer than four of them, and without looks.

    Args:
        records: those that a report shows.
    """
    curves = _curves(records)
    if len(curves) < LEAST:
        return {}
    taus = {look: rank_agreement(curves, look) for look in common_looks(curves)}
    return {look: tau for look, tau in taus.items() if not math.isnan(tau)}
