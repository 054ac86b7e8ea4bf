"""Successive halving over two objectives: which variants go on training, and which can stop.

Jamieson and Talwalkar (AISTATS 2016) halve by one score. Here the cost of a variant is known before it trains, so its
standing is a point of cost and score, and those go on that dominate: by Pareto rank, and within a rank by what they
add to the hypervolume.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.errors import UserError
from bench.stats.pareto import Point, hypervolume, nadir_reference, pareto_ranks

_SHARE_STEPS = 1000


@dataclass(frozen=True)
class Rung:
    """After `epochs` in all, `keep` variants go on."""

    epochs: int
    keep: int


def plan_rungs(variants: int, looks: Sequence[int], epochs: int, spend: float) -> list[Rung]:
    """Keep the same share at each look: the largest with which the epochs of all stay within `spend`.

    Args:
        variants: that start.
        looks: epochs after which the mIoU is looked at, ascending.
        epochs: of a whole training.
        spend: share of the epochs that training all of them to the end would take, 0 to 1.

    Raises:
        UserError: the share does not even take all variants to the first look, and one to the end.
    """
    for step in range(_SHARE_STEPS, -1, -1):
        rungs = _rungs(variants, looks, step / _SHARE_STEPS)
        if spent_share(variants, rungs, epochs) <= spend:
            return rungs
    least = spent_share(variants, rungs, epochs)
    raise UserError(
        f"--spend {spend:g} is too little: all {variants} variants to their first look and one to the end take "
        f"{least:.2f} of the epochs of a whole sweep. Pass --spend {least + 0.005:.2f} or more, or look earlier with "
        "`accuracy.validations`."
    )


def spent_share(variants: int, rungs: Sequence[Rung], epochs: int) -> float:
    """Epochs that the plan takes, over those of training all variants to the end."""
    spent, running, before = 0, variants, 0
    for rung in rungs:
        spent += running * (rung.epochs - before)
        running, before = rung.keep, rung.epochs
    return (spent + running * (epochs - before)) / (variants * epochs)


def _rungs(variants: int, looks: Sequence[int], share: float) -> list[Rung]:
    return [Rung(look, max(1, round(variants * share ** (i + 1)))) for i, look in enumerate(looks)]


@dataclass(frozen=True)
class Decision:
    """Of one rung. stopped: by name, what speaks against it, in words."""

    kept: list[str]
    stopped: dict[str, str]


def decide(standings: Mapping[str, Point], keep: int) -> Decision:
    """Keep the best `keep`: whole Pareto ranks first, then those of the next that add most to the hypervolume.

    Args:
        standings: by name, cost and score at the rung.
        keep: how many may go on.
    """
    names = list(standings)
    if len(names) <= keep:
        return Decision(names, {})
    ranks = dict(zip(names, pareto_ranks([standings[name] for name in names]), strict=True))
    kept: list[str] = []
    for rank in sorted(set(ranks.values())):
        rivals = [name for name in names if ranks[name] == rank]
        kept += rivals if len(kept) + len(rivals) <= keep else _most_volume(standings, kept, rivals, keep - len(kept))
    return Decision(kept, {name: _against(name, standings, kept) for name in names if name not in kept})


def _most_volume(standings: Mapping[str, Point], kept: list[str], rivals: list[str], count: int) -> list[str]:
    """The `count` rivals that together add most to the hypervolume, taken one by one."""
    reference = nadir_reference(list(standings.values()))
    chosen: list[str] = []
    for _ in range(count):
        points = [standings[name] for name in (*kept, *chosen)]
        left = [name for name in rivals if name not in chosen]
        volumes = {name: hypervolume([*points, standings[name]], reference) for name in left}
        chosen.append(max(left, key=lambda name: (volumes[name], standings[name][1], name)))
    return chosen


def _against(name: str, standings: Mapping[str, Point], kept: list[str]) -> str:
    cost, score = standings[name]
    better = [other for other in kept if standings[other][0] <= cost and standings[other][1] >= score]
    if better:
        best = max(better, key=lambda other: standings[other][1])
        return f"{best} costs no more and has {100 * standings[best][1]:.1f} %"
    return "it adds less to the front than those that go on"
