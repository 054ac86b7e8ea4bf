"""What a sweep says before and after: its space, its plan, how long it takes, what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.common.output import say

if TYPE_CHECKING:
    from bench.sweep.job import GridJob, Job, SearchJob
    from bench.sweep.prepare import Plan
    from bench.sweep.run import Tally
    from bench.sweep.spacefile import SpaceFile


def prepare_in_words(job: Job) -> Plan:
    """Prepare a job, and say what it is, what it will measure and how long that takes.

    Raises:
        UserError: what would fail later.
    """
    from bench.sweep.job import GridJob, SearchJob

    if isinstance(job, SearchJob):
        _say_search(job)
    else:
        _say_space(job.order.space)
    say("checking data, backbones and weights")
    plan = job.prepare()
    if isinstance(job, GridJob):
        _say_budget(job, plan)
    _say_plan(plan)
    _say_forecast(plan, job.foresee(), job.order.crew.lanes.workers)
    if isinstance(job, GridJob) and job.rungs:
        _say_halving(job, plan)
    return plan


def _say_search(job: SearchJob) -> None:
    most = min(job.strategy.variants, job.combinations)
    say(f"space {job.order.space.name}: at most {most} variants of {job.combinations:,} combinations")
    say(f"  chosen by {job.strategy.describe()}")


def _say_budget(job: GridJob, plan: Plan) -> None:
    if plan.budget:
        variants = len(job.order.space.specs)
        say(f"budget: {plan.budget}: {variants - len(plan.specs)} of {variants} variants are beyond and not measured")


def _say_halving(job: GridJob, plan: Plan) -> None:
    """How many variants go on after which epochs."""
    from bench.analysis.successive_halving import spent_share

    rungs = job.rungs or []
    words = ", ".join(f"{rung.keep} after epoch {rung.epochs}" for rung in rungs)
    share = spent_share(len(plan.specs), rungs, plan.space.accuracy.schedule.epochs)
    say(f"halving: of {len(plan.specs)} variants go on {words}")
    say(f"  that takes {100 * share:.1f} % of the full schedule's epochs; the time above is of all of them")


def _say_space(space: SpaceFile) -> None:
    expansion = space.expansion
    say(f"space {space.name}: {len(space.specs)} variants of {expansion.combinations} combinations")
    for reason, count in expansion.dropped.items():
        say(f"  dropped {count}: {reason}")


def _say_plan(plan: Plan) -> None:
    say(f"data {plan.dataset.name}: {plan.dataset.describe()}")
    for device in plan.missing_devices:
        say(f"no {device} device here: its latency is left out (`bench doctor` says more)")
    groups = plan.todo_by_group()
    todo = ", ".join(f"{count} {group}" for group, count in groups.items()) or "nothing"
    reused = f", {len(plan.reused)} taken from other sweeps" if plan.reused else ""
    say(f"to measure: {todo}; {plan.done} done before{reused}")
    if plan.untrained:
        say(f"  latencies of {plan.untrained} variants run random start weights: those of their trainings are not here")
    if plan.failed_before:
        say(f"  {len(plan.failed_before)} of those failed; --retry-failed measures them again")


def _say_forecast(plan: Plan, seconds: float, workers: int) -> None:
    from bench.sweep.cells import trains_on_gpu
    from bench.sweep.forecast import duration_words, finish_time

    if plan.todo:
        words = duration_words(seconds)
        say(f"about {words}, until {finish_time(seconds)} (probed: one step a backbone, {workers} workers)")
        if any(trains_on_gpu(cell) for cell in plan.todo):
            say("  probed on the CPU: a GPU is faster, which the time left knows once the first of a kind has ended")


def say_end(job: Job, tally: Tally, plan: Plan) -> None:
    """What came of a job."""
    from bench.sweep.job import SearchJob

    if isinstance(job, SearchJob) and job.chosen < job.strategy.variants:
        say(f"the search ended after {job.chosen} of {job.strategy.variants} variants: too little new was proposed")
    reused = f", {len(plan.reused)} taken from other sweeps" if plan.reused else ""
    say(f"measured {tally.measured}, failed {len(tally.failed)}; {plan.done} done before{reused}")
    if tally.stopped:
        say(f"stopped early {len(tally.stopped)} trainings; without --schedule halving they go on to the end")
    for record in tally.failed:
        say(f"  failed: {record.group} of {record.variant}: {record.reason}")
