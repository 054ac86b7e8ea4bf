"""What a sweep says before and after: its space, its plan, how long it takes, what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.common.output import say

if TYPE_CHECKING:
    from bench.sweep.prepare import Plan
    from bench.sweep.run import Tally
    from bench.sweep.spacefile import SpaceFile


def say_space(space: SpaceFile) -> None:
    expansion = space.expansion
    say(f"space {space.name}: {len(space.specs)} variants of {expansion.combinations} combinations")
    for reason, count in expansion.dropped.items():
        say(f"  dropped {count}: {reason}")


def say_plan(plan: Plan) -> None:
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


def say_forecast(plan: Plan, seconds: float, workers: int) -> None:
    from bench.sweep.forecast import duration_words, finish_time

    if plan.todo:
        words = duration_words(seconds)
        say(f"about {words}, until {finish_time(seconds)} (probed: one step a backbone, {workers} workers)")
        if any(cell.setting.get("device") == "cuda" for cell in plan.todo):
            say("  probed on the CPU: a GPU is faster, which the time left knows once the first of a kind has ended")


def say_end(tally: Tally, plan: Plan) -> None:
    reused = f", {len(plan.reused)} taken from other sweeps" if plan.reused else ""
    say(f"measured {tally.measured}, failed {len(tally.failed)}; {plan.done} done before{reused}")
    if tally.stopped:
        say(f"stopped early {len(tally.stopped)} trainings; without --schedule halving they go on to the end")
    for record in tally.failed:
        say(f"  failed: {record.group} of {record.variant}: {record.reason}")
