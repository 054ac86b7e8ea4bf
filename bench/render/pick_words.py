"""A decision in words."""

from __future__ import annotations

from collections.abc import Iterator

from bench.judge.accuracy_doubts import few_images_lines
from bench.judge.decision import Decision
from bench.judge.limits import Limit
from bench.judge.pick import Candidate, Relaxation
from bench.metrics import METRICS

_STEPS = 3
"""That are said of a limit."""
_RIVALS = 3
"""Beside the pick, in the draws."""
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


def _candidate_lines(what: str, decision: Decision, candidate: Candidate) -> Iterator[str]:
    yield _line(what, candidate.variant)
    known = [metric for metric in decision.metrics if metric in candidate.values]
    yield _line("", ", ".join(_value(decision, candidate, metric) for metric in known))
    for doubt in decision.grounds.doubts_of(candidate.variant):
        yield _line("", doubt)


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
    spread = decision.grounds.spread
    over = (
        f"images, with {spread.describe()}"
        if spread
        else "images alone: of one training seed, nothing is known of others"
    )
    again = f"is picked in {_percent(sure.picked.get(best.variant, 0))}"
    yield _line("how sure", f"of 1000 times that all is drawn anew, {meets}{again}{others}")
    yield _line("", f"intervals and draws are over {over}{_clock_words(decision)}")
    for line in few_images_lines(decision.grounds.images):
        yield _line("", line)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _clock_words(decision: Decision) -> str:
    return ", latencies over processes" if any(m.startswith("latency") for m in decision.metrics) else ""


def _cost_words(decision: Decision, limit: Limit) -> str:
    steps = [step for step in decision.pick.relaxations if step.limit is limit]
    if not steps:
        return "does not bind, alone"
    return "; ".join(_step_words(decision, step) for step in steps[:_STEPS])


def _step_words(decision: Decision, step: Relaxation) -> str:
    objective = METRICS[decision.pick.objective]
    sign = "+" if objective.higher_is_better else "−"
    less = "less" if step.limit.is_least else "more"
    gain = f"{sign}{_amount(decision.pick.objective, step.gain)}"
    return f"{_amount(step.limit.metric, step.by)} {less} buys {gain} {objective.label} ({step.candidate.variant})"


def _amount(name: str, amount: float) -> str:
    """A difference: of mIoU in points."""
    metric = METRICS[name]
    return f"{metric.show(amount)} {'points' if metric.unit == '%' else metric.unit}"
