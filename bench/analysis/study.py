"""Study: the records of one sweep that may stand side by side, and what is doubtful about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from statistics import mean
from typing import Any

import pandas as pd

from bench.analysis.accuracy_warnings import accuracy_lines
from bench.analysis.halving_replay import early_agreement
from bench.analysis.latency_records import metric_of, processes_of
from bench.analysis.latency_warnings import network_lines, trust_lines
from bench.analysis.module_differences import Difference, module_differences
from bench.analysis.pareto_fronts import FrontSureness, front_sureness
from bench.analysis.result_table import join_table, rows_in_order
from bench.analysis.selection import Selection, select
from bench.errors import NothingToShowError
from bench.metrics import COST_METRICS, DETAIL_METRICS, SCORE_METRICS, Convention
from bench.storage.confusions import Confusions
from bench.storage.records import AccuracyRecord, CostRecord, ProcessRecord, Record
from bench.storage.results import SweepResults


@dataclass(frozen=True, kw_only=True)
class Study:
    """What one report shows; for the columns of `table` see `join_table`."""

    name: str
    table: pd.DataFrame
    class_iou: dict[str, dict[str, float | None]]
    """Class IoU (0 to 1) on the test split, mean over seeds, by variant and class; None for a class
    that does not occur."""
    accuracy: AccuracyRecord
    cost: CostRecord
    latency: dict[str, ProcessRecord]
    """One example record of each group, by metric for latency: the setting and the machine."""
    seeds: int
    processes: dict[str, tuple[int, int]]
    """By latency metric, in how many processes the variants were timed: the fewest and the most."""
    failed: list[Record]
    doubts: list[str]
    """In words: what is missing, left out, or not counted."""
    commits: list[str]
    differences: list[Difference] = field(default_factory=list)
    """Of each variant with the module to the plain network around it."""
    sureness: FrontSureness | None = None
    """None where there are fewer than two variants."""
    early_agreement: dict[int, float] = field(default_factory=dict)
    """Kendall's tau of the validation mIoUs after so many epochs against the final ones."""
    chosen_by: str = ""
    """How a search or a limit chose the variants, in words; empty: they are all of the space."""
    convention: Convention = "macs"
    """Whether a multiply-add is said as one MAC or as two FLOPs."""
    records: list[Record] = field(default_factory=list)
    """All that are shown: for what a page tells of one variant."""

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """Of the table, as plain dictionaries in its order; None where a value is missing."""
        return rows_in_order(self.table)

    @property
    def cost_metrics(self) -> list[str]:
        """The cost axes that have numbers, in the study's convention."""
        other = "flops" if self.convention == "macs" else "macs"
        return [m for m in COST_METRICS if m != other and m in self.table and self.table[m].notna().any()]

    @property
    def score_metrics(self) -> list[str]:
        """Other scores of the same predictions that were taken."""
        return [m for m in SCORE_METRICS if m in self.table and self.table[m].notna().any()]

    @property
    def detail_metrics(self) -> list[str]:
        """The other figures of a cost that have numbers."""
        return [m for m in DETAIL_METRICS if m in self.table and self.table[m].notna().any()]


def study_of(results: SweepResults, convention: Convention = "macs") -> Study:
    """Join what a sweep measured, as `make_study`.

    Raises:
        NothingToShowError: there is no accuracy or no cost to show.
    """
    return make_study(
        results.name,
        list(results.records),
        results.plan.keys,
        convention=convention,
        confusions=results.confusions,
        chosen_by=results.plan.chosen_by,
        others=results.everywhere,
    )


def make_study(
    name: str,
    records: list[Record],
    plan: list[str],
    convention: Convention = "macs",
    confusions: Confusions | None = None,
    chosen_by: str = "",
    others: Iterable[Record] = (),
) -> Study:
    """Join the planned records by variant.

    Args:
        name: of the sweep.
        records: all records of the sweep.
        plan: the keys that belong side by side, from `Store.read_plan`.
        convention: in which multiply-adds are said.
        confusions: matrices that the trainings left; without them no two variants are compared.
        chosen_by: how a search chose the variants, in words.
        others: records of other sweeps, which say how seeds spread on these data where these do not.

    Raises:
        NothingToShowError: there is no accuracy or no cost to show.
    """
    selection = select(records, plan)
    cost = [r for r in selection.shown if isinstance(r, CostRecord)]
    latency = [r for r in selection.shown if isinstance(r, ProcessRecord)]
    accuracy = [r for r in selection.shown if isinstance(r, AccuracyRecord)]
    if not accuracy or not cost:
        missing = "accuracy" if not accuracy else "cost"
        failed = sum(r.group == missing for r in selection.failed)
        raise NothingToShowError(
            f"sweep {name!r} has no {missing} record to show, {failed} failed. Run `bench sweep` with its space to "
            "its end; --retry-failed measures failures again."
        )
    table = join_table(selection.shown)
    return Study(
        name=name,
        table=table,
        class_iou=_class_iou(accuracy),
        accuracy=accuracy[0],
        cost=cost[0],
        latency={metric_of(r): r for r in latency},
        seeds=len({r.setting.seed for r in accuracy}),
        processes=processes_of(latency),
        failed=selection.failed,
        doubts=[
            *_selection_doubts(selection),
            *accuracy_lines(accuracy, confusions),
            *_counter_doubts(cost),
            *network_lines(latency, accuracy),
            *trust_lines(latency),
        ],
        commits=sorted({r.commit for r in selection.shown}),
        differences=module_differences(accuracy, confusions) if confusions else [],
        sureness=front_sureness(table, selection.shown, confusions, others),
        early_agreement=early_agreement(selection.shown),
        chosen_by=chosen_by,
        convention=convention,
        records=selection.shown,
    )


def _class_iou(accuracy: list[AccuracyRecord]) -> dict[str, dict[str, float | None]]:
    by_variant: dict[str, list[AccuracyRecord]] = defaultdict(list)
    for record in accuracy:
        by_variant[record.variant].append(record)
    return {variant: _mean_class_iou(records) for variant, records in by_variant.items()}


def _mean_class_iou(seeds: list[AccuracyRecord]) -> dict[str, float | None]:
    columns = zip(*(r.details["class_iou_test"] for r in seeds), strict=True)
    means = [None if None in column else mean(column) for column in columns]
    return dict(zip(seeds[0].setting.classes, means, strict=True))


def _selection_doubts(selection: Selection) -> list[str]:
    words = [
        f"left out: {count} {group} records that the newest run did not ask for: of another setting, machine, code or "
        "variant, or beyond a limit"
        for group, count in selection.left_out.items()
    ]
    words += [f"{r.variant}: {r.reason}" for r in selection.paused if r.reason]
    if selection.missing:
        words.append(f"not measured yet: {selection.missing} cells; the same `bench sweep` goes on")
    return words


def _counter_doubts(cost: list[CostRecord]) -> list[str]:
    """Operators without a formula, which make a cost a lower bound."""
    return [
        f"{r.variant}: not counted, so its costs are lower bounds: {', '.join(r.details['unknown_operators'])}"
        for r in cost
        if r.details["unknown_operators"]
    ]
