"""How sure the fronts of a study are: chances, ties, effects, by the same draws for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from bench.confusions import Confusions
from bench.judge.draws import draw_latencies, draw_mious
from bench.judge.effects import Effect, axis_effects
from bench.judge.front import AllDraws, Front, make_front, tied_groups
from bench.judge.join import numbers_of, rows_in_order
from bench.judge.pick import Candidate
from bench.judge.seed_spread import SeedSpread, seed_spread
from bench.metrics import COST_METRICS
from bench.records import Record


@dataclass(frozen=True)
class FrontSureness:
    """fronts: by cost metric. ties: groups from the highest mIoU down. spread: between seeds, where it is known."""

    fronts: Mapping[str, Front]
    ties: Sequence[Sequence[str]]
    effects: Sequence[Effect]
    spread: SeedSpread | None


def front_sureness(
    table: pd.DataFrame, records: Sequence[Record], confusions: Confusions | None, others: Iterable[Record]
) -> FrontSureness | None:
    """Of the variants of a table that `join_table` made of `records`; None for fewer than two.

    Raises:
        UserError: a file of matrices is broken.
    """
    rows = [row for row in rows_in_order(table) if row["miou_val"] is not None]
    candidates = [Candidate(row["variant"], numbers_of(row)) for row in rows]
    if len(candidates) < 2:
        return None
    accuracy = [r for r in records if r.group == "accuracy"]
    spread = seed_spread(accuracy, others)
    metrics = [m for m in COST_METRICS if sum(m in c.values for c in candidates) > 1]
    draws: AllDraws = {
        "miou_val": draw_mious(accuracy, confusions, spread),
        **{m: draw_latencies(records, m) for m in metrics if m.startswith("latency")},
    }
    specs = {record.variant: record.spec for record in accuracy}
    return FrontSureness(
        {m: make_front(candidates, m, draws) for m in metrics}, tied_groups(candidates, draws),
        axis_effects(candidates, specs, metrics, draws), spread,
    )  # fmt: skip
