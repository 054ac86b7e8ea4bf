"""A sweep from its order to its last record: of every variant of a space, or of some that a search chooses."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.analysis.successive_halving import Rung
from bench.cost.batch import CountSpecs, count_alone
from bench.cost.budget import NO_LIMIT, Budget
from bench.errors import UserError
from bench.storage.store import Store
from bench.sweep.executor import Crew
from bench.sweep.forecast import Forecast
from bench.sweep.halving import plan_halving
from bench.sweep.prepare import Plan, Retry, check, foresee, prepare
from bench.sweep.run import Tally, Watcher, run_plan
from bench.sweep.search import Search, Strategy, check_optuna
from bench.sweep.search_run import Searching, counted_excess, run_search
from bench.sweep.spacefile import SpaceFile


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is asked for: which space, with what, where to, by whom.

    Attributes:
        limits: come before those of the space file.
        timeout_s: seconds after which a cell is given up.
        count: counts the variants, where there is a budget.
    """

    space: SpaceFile
    store: Store
    crew: Crew
    timeout_s: float
    data_root: Path | None = None
    weights_dir: Path | None = None
    retry: Retry = field(default_factory=Retry)
    limits: Budget = NO_LIMIT
    count: CountSpecs = count_alone


class Job(Protocol):
    """A way to measure a space: `prepare`, `foresee`, then `run`."""

    order: Order

    def prepare(self) -> Plan:
        """Check everything and list what is to be measured, as far as it is known yet.

        Raises:
            UserError: what would fail later.
            VariantError: weights that are missing or do not fit.
        """

    def foresee(self) -> float:
        """Seconds that `run` will take, from a probe."""

    @property
    def cells(self) -> int:
        """How many `run` will measure, about."""

    def run(self, watcher: Watcher) -> tuple[Tally, Plan]:
        """Measure what was prepared.

        Returns:
            What was done, and the plan of all that belongs to the sweep.
        """


@dataclass(kw_only=True)
class GridJob:
    """Every variant of the space.

    Attributes:
        spend: the share of the epochs that halving may take; None trains all to the end.
        rungs: of halving, once prepared.
    """

    order: Order
    spend: float | None = None
    rungs: list[Rung] | None = field(init=False, default=None)
    _plan: Plan = field(init=False)
    _forecast: Forecast = field(init=False)

    def prepare(self) -> Plan:
        """As `Job`."""
        order = self.order
        self._plan = prepare(
            order.space,
            order.store,
            data_root=order.data_root,
            weights_dir=order.weights_dir,
            retry=order.retry,
            limits=order.limits,
            count=order.count,
            way=order.crew.way,
        )
        self._forecast = Forecast(lanes=order.crew.lanes)
        if self.spend is not None:
            trainings = [cell for cell in self._plan.todo if cell.group == "accuracy"]
            trained = {spec.name for spec in self._plan.specs} - {cell.spec.name for cell in trainings}
            self.rungs = plan_halving(trainings, len(trained), self.spend)
        return self._plan

    def foresee(self) -> float:
        """As `Job`."""
        foresee(self._forecast, self._plan.todo, self._plan.dataset)
        return self._forecast.seconds_left(self._plan.todo, {})

    @property
    def cells(self) -> int:
        """As `Job`."""
        return len(self._plan.todo)

    def run(self, watcher: Watcher) -> tuple[Tally, Plan]:
        """As `Job`."""
        tally = run_plan(
            self._plan,
            self.order.store,
            forecast=self._forecast,
            timeout_s=self.order.timeout_s,
            watcher=watcher,
            rungs=self.rungs,
            execute=self.order.crew.execute,
        )
        return tally, self._plan


@dataclass(kw_only=True)
class SearchJob:
    """Some variants of a space that is too large to measure whole, chosen batch by batch.

    Raises:
        UserError: Optuna is not installed, or the space has no axes.
    """

    order: Order
    strategy: Strategy
    _searching: Searching = field(init=False)

    def __post_init__(self) -> None:
        check_optuna()
        space = self.order.space
        if not space.products:
            raise UserError(f"space {space.name} lists its variants and has no axes to search. Leave --search out.")

    def prepare(self) -> Plan:
        """As `Job`: checks the space by a variant for each of its values; the plan is of the first batch."""
        order, space = self.order, self.order.space
        checked = check(
            space,
            space.scouts,
            store=order.store,
            data_root=order.data_root,
            weights_dir=order.weights_dir,
            way=order.crew.way,
        )
        budget = space.cost.budget.narrowed(order.limits)
        excess = counted_excess(budget, len(checked.dataset.classes), space.cost.size)
        self._searching = Searching(
            checked=checked,
            search=Search(products=space.products, strategy=self.strategy, excess=excess),
            budget=budget,
            retry=order.retry,
            forecast=Forecast(lanes=order.crew.lanes),
        )
        return self._searching.first_plan

    def foresee(self) -> float:
        """As `Job`."""
        return self._searching.forecast.seconds_left(self._searching.first_plan.todo, {})

    @property
    def cells(self) -> int:
        """As `Job`."""
        return round(self._searching.cells)

    @property
    def combinations(self) -> int:
        """Of the space's axes."""
        return sum(product.size for product in self.order.space.products)

    @property
    def chosen(self) -> int:
        """Variants that the search has chosen so far."""
        return len(self._searching.search.chosen)

    def run(self, watcher: Watcher) -> tuple[Tally, Plan]:
        """As `Job`, batch by batch."""
        order = self.order
        return run_search(
            self._searching, order.store, timeout_s=order.timeout_s, watcher=watcher, execute=order.crew.execute
        )
