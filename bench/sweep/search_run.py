"""Run a search: choose some variants, measure them, choose the next by what these reached; last all latencies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import mean

from bench.analysis.selection import settle
from bench.cost.budget import Budget
from bench.cost.count import VariantCounter
from bench.cost.figures import Cost
from bench.metrics import SCORE
from bench.storage.records import Record
from bench.storage.store import Store
from bench.sweep.executor import Executor
from bench.sweep.forecast import Forecast
from bench.sweep.pool import run_cells
from bench.sweep.prepare import Checked, Plan, Retry, foresee, make_plan
from bench.sweep.run import Tally, Watcher, run_plan
from bench.sweep.search import Excess, Reached, Search, is_beyond
from variants.spec import VariantSpec


@dataclass(kw_only=True)
class Searching:
    """A search of a checked space.

    seen: variants so far, those first that the space lists by name. cells: that this run has to measure, about.
    """

    checked: Checked
    search: Search
    budget: Budget
    retry: Retry
    forecast: Forecast
    seen: list[VariantSpec] = field(default_factory=list)
    cells: float = 0
    _asked: set[str] = field(default_factory=set)
    """Keys that this run was to measure before: what failed then is not tried again with each batch."""

    def batches(self) -> Iterator[Plan]:
        """The costs and trainings of each batch, to be run before the next is asked for; then the latencies of all.

        Raises:
            UserError: as `first_plan`.
        """
        plan, batch = self.first_plan, self.seen
        while batch:
            now = plan.of_groups("cost", "accuracy")
            yield now
            self._asked |= {cell.key for cell in now.todo}
            self.search.tell(self._reached(plan))
            batch = self.search.ask()
            plan = self._plan([*self.seen, *batch])
        self.forecast.later_s = 0.0
        yield plan

    @cached_property
    def first_plan(self) -> Plan:
        """What is measured before anything is known: the listed variants within the limits, and as many as one asks.

        Raises:
            UserError: no variant is within the limits.
        """
        within = [spec for spec in self.checked.space.listed if not is_beyond(self.search.excess(spec))]
        first = [*within, *self.search.ask()]
        if not first:
            raise self.budget.refuse_all(len(self.search.refused))
        return self._plan(first)

    def _plan(self, specs: list[VariantSpec]) -> Plan:
        """All cells of the variants so far; looks ahead to those that are not chosen yet."""
        self.seen = list(dict.fromkeys(specs))
        plan = make_plan(self.checked, self.seen, retry=self.retry, budget=self.budget, chosen_by=self._words())
        plan = replace(plan, todo=[cell for cell in plan.todo if cell.key not in self._asked])
        left = (self.search.strategy.variants - len(self.search.chosen)) / len(self.seen)
        foresee(self.forecast, plan.cells if left else plan.todo, plan.dataset)
        self.cells = len(plan.todo) + left * len(plan.cells)
        self.forecast.later_s = 0.0
        self.forecast.later_s = left * self.forecast.seconds_left(plan.cells, {}) if left else 0.0
        return plan

    def _words(self) -> str:
        search = self.search
        listed = len(self.seen) - len(search.chosen)
        beside = f", beside {listed} that the space lists" if listed > 0 else ""
        words = f"{search.strategy.describe()}: {len(search.chosen)} of {search.combinations:,} combinations{beside}"
        within = f", within the budget of {self.budget}; proposed beyond it: {len(search.refused)}"
        return words + (within if self.budget else "")

    def _reached(self, plan: Plan) -> dict[VariantSpec, Reached]:
        """Of the variants whose cost and trainings are all there; of several seeds the mean."""
        known = settle(self.checked.store.read(plan.space.name))
        records: dict[VariantSpec, list[Record | None]] = {}
        for cell in plan.of_groups("cost", "accuracy").cells:
            records.setdefault(cell.spec, []).append(known.get(cell.key))
        fine = {spec: [r.metrics for r in some if r and r.status == "ok"] for spec, some in records.items()}
        return {spec: _reached(metrics) for spec, metrics in fine.items() if len(metrics) == len(records[spec])}


def run_search(
    searching: Searching, store: Store, timeout_s: float, watcher: Watcher, execute: Executor = run_cells
) -> tuple[Tally, Plan]:
    """Measure batch by batch; returns what was done, and the plan of all variants that were chosen.

    Raises:
        UserError: as `run_plan`.
    """
    tally = Tally(total=0)
    for plan in searching.batches():
        before = tally.ended
        tally.total = before + round(searching.cells)
        run_plan(
            plan, store, forecast=searching.forecast, timeout_s=timeout_s, watcher=watcher, tally=tally, execute=execute
        )
    return tally, replace(plan, done=plan.done - before)


def counted_excess(budget: Budget, classes: int, size: tuple[int, int]) -> Excess:
    """By how much a variant is beyond a budget; one that cannot be counted is not, and fails in its own cell."""
    counter = VariantCounter(classes, *size)
    known: dict[VariantSpec, dict[str, float]] = {}

    def excess(spec: VariantSpec) -> dict[str, float]:
        if budget and spec not in known:
            cost = _counted(counter, spec)
            known[spec] = {} if cost is None else budget.excess(cost)
        return known.get(spec, {})

    return excess


def _counted(counter: VariantCounter, spec: VariantSpec) -> Cost | None:
    """None where it cannot be counted."""
    try:
        return counter.count(spec)
    except Exception:  # whatever it is, its cell says it
        return None


def _reached(metrics: Sequence[dict[str, float]]) -> Reached:
    """From those of its cost and of its trainings."""
    (macs,) = (some["macs"] for some in metrics if "macs" in some)
    return Reached(mean(some[SCORE] for some in metrics if SCORE in some), macs)
