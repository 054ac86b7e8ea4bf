"""`bench sweep --search`: some variants of a space that is too large to measure whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.cli.common.output import say
from bench.cli.sweep.text import say_forecast, say_plan
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.cli.sweep.job import Order
    from bench.sweep.prepare import Plan
    from bench.sweep.run import Tally
    from bench.sweep.search import Strategy
    from bench.sweep.search_run import Searching


@dataclass
class SearchJob:
    """Some variants of the space, chosen batch by batch."""

    order: Order
    strategy: Strategy
    _searching: Searching = field(init=False)

    def prepare(self) -> Plan:
        """Check the space by a variant for each of its values; the plan is of the first batch.

        Raises:
            UserError: what would fail later, or Optuna is not installed.
        """
        from bench.sweep.search import check_optuna

        check_optuna()
        self._searching = self._search()
        plan = self._searching.first_plan
        say_plan(plan)
        forecast = self._searching.forecast
        say_forecast(plan, forecast.seconds_left(plan.todo, {}), self.order.crew.lanes.workers)
        return plan

    def _search(self) -> Searching:
        from bench.sweep.forecast import Forecast
        from bench.sweep.prepare import check
        from bench.sweep.search import Search
        from bench.sweep.search_run import Searching, counted_excess

        order, space = self.order, self.order.space
        if not space.products:
            raise UserError(f"space {space.name} lists its variants and has no axes to search. Leave --search out.")
        budget = space.cost.budget.narrowed(order.limits)
        strategy = self.strategy
        combinations = sum(product.size for product in space.products)
        most = min(strategy.variants, combinations)
        say(f"space {space.name}: at most {most} variants of {combinations:,} combinations")
        say(f"  chosen by {strategy.describe()}")
        say("checking data, backbones and weights")
        checked = check(
            space,
            space.scouts,
            store=order.store,
            data_root=order.data_root,
            weights_dir=order.weights_dir,
            way=order.crew.way,
        )
        excess = counted_excess(budget, len(checked.dataset.classes), space.cost.size)
        search = Search(products=space.products, strategy=strategy, excess=excess)
        return Searching(
            checked=checked, search=search, budget=budget, retry=order.retry, forecast=Forecast(lanes=order.crew.lanes)
        )

    def run(self) -> tuple[Tally, Plan]:
        """Measure batch by batch."""
        from bench.cli.sweep.progress import SweepProgress
        from bench.sweep.search_run import run_search

        with SweepProgress(round(self._searching.cells), len(self.order.space.accuracy.seeds) > 1) as progress:
            tally, plan = run_search(
                self._searching,
                self.order.store,
                timeout_s=self.order.timeout_s,
                watcher=progress,
                execute=self.order.crew.execute,
            )
        chosen = len(self._searching.search.chosen)
        if chosen < self.strategy.variants:
            say(f"the search ended after {chosen} of {self.strategy.variants} variants: too little new was proposed")
        return tally, plan
