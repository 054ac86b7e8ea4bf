"""What `bench sweep` does with a space: prepare, which says what will happen, then run."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bench.cli.common.counting import count_with_progress
from bench.cli.common.options import cores
from bench.cli.common.output import say
from bench.cli.sweep.text import say_forecast, say_plan, say_space

if TYPE_CHECKING:
    from bench.analysis.successive_halving import Rung
    from bench.cost.budget import Budget
    from bench.storage.store import Store
    from bench.sweep.executor import Crew
    from bench.sweep.forecast import Forecast
    from bench.sweep.prepare import Plan, Retry
    from bench.sweep.run import Tally
    from bench.sweep.spacefile import SpaceFile


@dataclass(frozen=True, kw_only=True)
class Order:
    """What was asked for: which space, with what, where to."""

    space: SpaceFile
    store: Store
    data_root: Path | None
    weights_dir: Path | None
    retry: Retry
    limits: Budget
    crew: Crew
    timeout_s: float


class Job(Protocol):
    """A way to measure a space."""

    def prepare(self) -> Plan:
        """Check everything and say what is going to be measured.

        Raises:
            UserError: what would fail later.
        """

    def run(self) -> tuple[Tally, Plan]:
        """Measure what was prepared; the plan is of all that belongs to the sweep."""


@dataclass
class GridJob:
    """Every variant of the space. spend: the share of the epochs that halving may take; None trains all to the end."""

    order: Order
    spend: float | None
    _plan: Plan = field(init=False)
    _forecast: Forecast = field(init=False)
    _rungs: list[Rung] | None = field(init=False, default=None)

    def prepare(self) -> Plan:
        """As `Job`."""
        from bench.sweep.forecast import Forecast
        from bench.sweep.prepare import foresee, prepare

        order = self.order
        say_space(order.space)
        say("checking data, backbones and weights")
        count = partial(count_with_progress, workers=min(order.crew.lanes.workers, cores()))
        plan = prepare(
            order.space,
            order.store,
            data_root=order.data_root,
            weights_dir=order.weights_dir,
            retry=order.retry,
            limits=order.limits,
            count=count,
            way=order.crew.way,
        )
        if plan.budget:
            beyond, variants = len(order.space.specs) - len(plan.specs), len(order.space.specs)
            say(f"budget: {plan.budget}: {beyond} of {variants} variants are beyond and not measured")
        say_plan(plan)
        self._plan, self._forecast = plan, Forecast(lanes=order.crew.lanes)
        foresee(self._forecast, plan.todo, plan.dataset)
        say_forecast(plan, self._forecast.seconds_left(plan.todo, {}), order.crew.lanes.workers)
        self._rungs = _rungs(plan, self.spend) if self.spend is not None else None
        return plan

    def run(self) -> tuple[Tally, Plan]:
        """As `Job`."""
        from bench.cli.sweep.progress import SweepProgress
        from bench.sweep.run import run_plan

        with SweepProgress(len(self._plan.todo), len(self.order.space.accuracy.seeds) > 1) as progress:
            tally = run_plan(
                self._plan,
                self.order.store,
                forecast=self._forecast,
                timeout_s=self.order.timeout_s,
                watcher=progress,
                rungs=self._rungs,
                execute=self.order.crew.execute,
            )
        return tally, self._plan


def _rungs(plan: Plan, spend: float) -> list[Rung]:
    """Say how many variants go on after which epochs."""
    from bench.analysis.successive_halving import spent_share
    from bench.sweep.halving import plan_halving

    trainings = [cell for cell in plan.todo if cell.group == "accuracy"]
    rungs = plan_halving(trainings, len({spec.name for spec in plan.specs} - {c.spec.name for c in trainings}), spend)
    if rungs:
        words = ", ".join(f"{rung.keep} after epoch {rung.epochs}" for rung in rungs)
        share = spent_share(len(plan.specs), rungs, plan.space.accuracy.schedule.epochs)
        say(f"halving: of {len(plan.specs)} variants go on {words}")
        say(f"  that takes {100 * share:.1f} % of the full schedule's epochs; the time above is of all of them")
    return rungs
