"""A decision in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.analysis.accuracy_warnings import few_images_lines
from bench.analysis.candidates import Candidate
from bench.analysis.constraints import Limit
from bench.decision.decision import Decision
from bench.decision.pick import Relaxation, Upgrade
from bench.metrics import METRICS, SCORE
from bench.render.sweep.text import OTHER_DAYS

_STEPS = 3
"""That are said of a limit."""
_RIVALS = 3
"""Beside the pick, in the draws; and names of what is left out."""
_LEAST_SHARE = 0.01


def pick_lines(decision: Decision) -> Iterator[str]:
    """What to print, line by line."""
    found = decision.pick
    goal = METRICS[found.objective]
    aim = f"{'highest' if goal.higher_is_better else 'lowest'} {goal.label}"
    limits = " and ".join(map(str, found.limits)) or "no limit"
    yield f"{aim} with {limits}: {found.within} of {len(decision.grounds.candidates)} variants are within"
    if found.best is None:
        yield from _no_pick(decision)
        return
    yield from _candidate_lines("pick", decision, found.best)
    if found.runner_up:
        yield from _candidate_lines("runner-up", decision, found.runner_up)
    else:
        yield _line("runner-up", "none: no other is within")
    yield from _sure_lines(decision, found.best)
    if found.limits:
        yield "what the limits cost:"
        for limit in found.limits:
            yield f"  {limit}: {_cost_words(decision, limit)}"
    if found.upgrades:
        yield "what more mIoU costs:"
        for step in found.upgrades[:_STEPS]:
            yield f"  {_upgrade_words(decision, step)}"


def _no_pick(decision: Decision) -> Iterator[str]:
    found = decision.pick
    together = " and ".join(map(str, found.conflict))
    yield f"no pick: no variant has {together}{'' if len(found.conflict) == 1 else ' together'}"
    if found.nearest:
        misses = [
            f"{_amount(limit.metric, limit.shortfall(found.nearest.values[limit.metric]))} "
            f"{'below' if limit.is_least else 'above'} {limit}"
            for limit in found.limits
            if not limit.holds(found.nearest.values[limit.metric])
        ]
        yield from _candidate_lines("nearest", decision, found.nearest)
        yield _line("", ", ".join(misses))
    if found.ways_out:
        yield "what would bring a pick:"
        for way in found.ways_out:
            sign = "less" if way.limit.is_least else "more"
            yield f"  {way.limit}: {_amount(way.limit.metric, way.by)} {sign} ({way.candidate.variant})"
    yield from _note_lines(decision)


def _candidate_lines(what: str, decision: Decision, candidate: Candidate) -> Iterator[str]:
    yield _line(what, candidate.variant)
    known = [metric for metric in decision.metrics if metric in candidate.values]
    yield _line("", ", ".join(_value(decision, candidate, metric) for metric in known))
    for doubt in decision.grounds.doubts_of(candidate.variant):
        yield _line("", doubt)


def _note_lines(decision: Decision) -> Iterator[str]:
    """What the intervals stand for, and what is not in them."""
    grounds = decision.grounds
    spread = grounds.spread
    over = (
        f"images, with {spread.describe()}"
        if spread
        else "images alone: of one training seed, nothing is known of others"
    )
    clock = {0: "", 1: "; a latency of one process is taken as known, which none is"}
    yield _line(
        "",
        f"in brackets 95 % intervals; they and draws are over {over}"
        f"{clock.get(grounds.processes, '; of latencies over processes')}",
    )
    if grounds.processes:
        yield _line("", OTHER_DAYS[0].lower() + OTHER_DAYS[1:])
    for line in few_images_lines(grounds.images):
        yield _line("", line)
    if grounds.incomplete:
        yield _line("", f"left out, for one of these numbers is missing: {_some(grounds.incomplete)}")


def _some(names: Sequence[str]) -> str:
    more = len(names) - _RIVALS
    return ", ".join(names[:_RIVALS]) + (f" and {more} more" if more > 0 else "")


def _line(what: str, words: str) -> str:
    return f"{what:<11}{words}"


def _value(decision: Decision, candidate: Candidate, name: str) -> str:
    metric, ends = METRICS[name], decision.interval(candidate, name)
    spread = f" ({metric.show(ends[0])} to {metric.show(ends[1])})" if ends else ""
    return f"{metric.label} {metric.show(candidate.values[name])} {metric.unit}{spread}"


def _sure_lines(decision: Decision, best: Candidate) -> Iterator[str]:
    sure = decision.sureness
    assert sure is not None
    rivals = [name for name in sure.picked if name != best.variant and sure.picked[name] >= _LEAST_SHARE][:_RIVALS]
    others = "; else " + ", ".join(f"{name} in {_percent(sure.picked[name])}" for name in rivals) if rivals else ""
    meets = f"it meets all limits in {_percent(sure.meets)} and " if decision.pick.limits else "it "
    again = f"is picked in {_percent(sure.picked.get(best.variant, 0))}"
    yield _line("how sure", f"of 1000 times that all is drawn anew, {meets}{again}{others}")
    yield from _note_lines(decision)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _cost_words(decision: Decision, limit: Limit) -> str:
    steps = {
        METRICS[limit.metric].show(step.by): step for step in decision.pick.relaxations if step.limit is limit
    }  # of those that read the same the last, which buys the most
    if not steps:
        return "does not bind, alone"
    return "; ".join(_step_words(decision, step) for step in list(steps.values())[:_STEPS])


def _step_words(decision: Decision, step: Relaxation) -> str:
    objective = METRICS[decision.pick.objective]
    sign = "+" if objective.higher_is_better else "−"
    less = "less" if step.limit.is_least else "more"
    gain = f"{sign}{_amount(decision.pick.objective, step.gain)}"
    return f"{_amount(step.limit.metric, step.by)} {less} buys {gain} {objective.label} ({step.candidate.variant})"


def _upgrade_words(decision: Decision, step: Upgrade) -> str:
    more = _amount(SCORE, step.more)
    objective = decision.pick.objective
    return (
        f"{more} more for {_amount(objective, step.price)} more {METRICS[objective].label} ({step.candidate.variant})"
    )


def _amount(name: str, amount: float) -> str:
    """A difference: of mIoU in points."""
    metric = METRICS[name]
    return f"{metric.show(amount)} {'points' if metric.unit == '%' else metric.unit}"
