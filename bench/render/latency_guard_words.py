"""What the latency guard says: sentences, verdicts and what to do next, for all of its formats."""

from __future__ import annotations

from bench.judge.latency_guard import STATES, JudgedVariant, LatencyGuardReport, State
from bench.judge.latency_verdict import Verdict
from bench.render.ratio_words import ratio_words

STATE_WORDS: dict[State, str] = {
    "broken": "BROKEN", "regressed": "REGRESSED", "unclear": "cannot tell", "improved": "improved", "new": "new",
    "unchanged": "unchanged",
}  # fmt: skip
_TALLY: dict[State, str] = STATE_WORDS | {"broken": "broken", "regressed": "regressed"}
_LEAST = 1e-4
"""False-alarm rate below which no digits are worth printing."""


def title(report: LatencyGuardReport) -> str:
    """The verdict in a few words."""
    if report.fails:
        return "latency guard failed"
    return "latency guard cannot tell" if report.cannot_tell else "latency guard passed"


def headline(report: LatencyGuardReport) -> str:
    """One sentence below the verdict."""
    tally = ", ".join(f"{n} {_TALLY[state]}" for state in STATES if (n := report.count(state)))
    return f"{tally or 'no variants'}; head {report.head} against base {report.base}."


def next_steps(report: LatencyGuardReport) -> list[str]:
    """What to do about it, a line a step."""
    lines = []
    if report.count("regressed"):
        lines.append("a slow-down that is meant needs no baseline: after the merge the new revision is the base.")
    if report.count("unclear"):
        lines.append(
            "cannot tell: end other work on the machine, or give it more with --restarts and --seconds, or ask for "
            "less with --wanted."
        )
    if not report.variants or report.count("new") == len(report.variants):
        lines.append("nothing was compared: name a variant that both revisions have.")
    return lines


def setting_words(report: LatencyGuardReport) -> list[str]:
    """With what the job was done, a line a fact."""
    machine = report.machine
    rule = report.rule
    return [
        f"measured: {report.setting}",
        f"machine: {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}",
        f"rule: up to {100 * rule.tolerated:g} % slower is tolerated; a verdict must have been able to see "
        f"{100 * rule.wanted:g} %; the job took {report.seconds:.0f} s",
        *(f"doubtful: {doubt}" for doubt in report.doubts),
    ]


def sentences(variant: JudgedVariant) -> list[str]:
    """All that is to say about a variant, a line a fact."""
    lines = [variant.reason] if variant.reason else []
    if variant.verdict is not None:
        lines += [change_words(variant.verdict), trust_words(variant.verdict), times_words(variant.verdict)]
    return lines


def change_words(verdict: Verdict) -> str:
    """Head beside base."""
    return ratio_words(verdict.head, "base", "head")


def trust_words(verdict: Verdict) -> str:
    """How far the verdict can be trusted, by the noise of its own job."""
    return (
        f"counts as slower from +{100 * verdict.limit:.1f} %; equal code would come out there in "
        f"{rate_words(verdict.false_alarms)} of jobs like this one; a slow-down of {100 * verdict.seen:.1f} % or more "
        "would have been seen in 95 %"
    )


def times_words(verdict: Verdict) -> str:
    """What the ratio is made of."""
    itself = f"{100 * (verdict.same.value - 1):+.1f} %"
    return (
        f"base {verdict.base_ms:.1f} ms, head {verdict.head_ms:.1f} ms (compare the ratio, not the times); base "
        f"against itself {itself}; {verdict.restarts} restarts, {verdict.cycles} cycles each"
    )


def rate_words(rate: float) -> str:
    """A small probability; never a zero that is none."""
    return f"{100 * rate:.2f} %" if rate >= _LEAST else f"< {100 * _LEAST:.2f} %"
