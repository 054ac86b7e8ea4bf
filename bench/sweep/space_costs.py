"""The costs of a whole space: within a budget, beyond it, and what cannot be counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.analysis.cost_table import CostRow, cost_table
from bench.cost.batch import Counted
from bench.cost.budget import Budget
from bench.settings.cost import COUNTER, COUNTING_METHOD
from bench.sweep.target import Target
from bench.system.machine import commit, versions


@dataclass(frozen=True, kw_only=True)
class SpaceCosts:
    """What counting a space found.

    Attributes:
        within: a row for each variant within the budget, as `cost_table`.
        beyond: the same of those beyond it.
        failed: the reason for each variant that cannot be counted, by its name.
    """

    target: Target
    budget: Budget
    within: pd.DataFrame
    beyond: pd.DataFrame
    failed: dict[str, str]

    @classmethod
    def of(cls, counted: Sequence[Counted], target: Target, budget: Budget) -> SpaceCosts:
        """Sort what was counted."""
        failed = {one.spec.name: one.reason for one in counted if one.cost is None}
        held = [one for one in counted if one.cost is not None and budget.holds(one.cost)]
        beyond = [one for one in counted if one.cost is not None and not budget.holds(one.cost)]
        return cls(
            target=target, budget=budget, within=_table(held, target), beyond=_table(beyond, target), failed=failed
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing could be counted."""
        return self.within.empty and self.beyond.empty

    def require_some_within(self) -> None:
        """Refuse a budget that leaves nothing.

        Raises:
            UserError: everything that could be counted is beyond it.
        """
        if self.within.empty:
            raise self.budget.refuse_all(len(self.beyond) + len(self.failed))

    @property
    def without_formula(self) -> dict[str, str]:
        """Operators that no formula covers, by variant within the budget: its costs are lower bounds."""
        if self.within.empty:
            return {}
        rows = self.within[self.within["unknown_operators"] != ""]
        return dict(zip(rows["variant"], rows["unknown_operators"], strict=True))

    def about(self) -> dict[str, Any]:
        """How it was counted, and what the table leaves out: for the files beside it."""
        return {
            "space": self.target.space,
            "size": list(self.target.size),
            "classes": self.target.classes,
            "budget": str(self.budget),
            "beyond_budget": len(self.beyond),
            "failed": self.failed,
            "counter": COUNTER,
            "method": COUNTING_METHOD,
            "commit": commit(),
            "versions": versions(),
        }


def _table(counted: Sequence[Counted], target: Target) -> pd.DataFrame:
    rows = [
        CostRow(variant=one.spec.name, content_hash=one.spec.content_hash, axes=one.spec.to_json(), cost=one.cost)
        for one in counted
        if one.cost
    ]
    return cost_table(rows, target.size, target.classes) if rows else pd.DataFrame()
