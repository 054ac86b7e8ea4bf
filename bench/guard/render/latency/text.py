"""What the latency guard says: sentences, verdicts and what to do next, for all of its formats."""

from __future__ import annotations

from bench.guard.latency_report import STATES, JudgedVariant, LatencyGuardReport, State
from bench.guard.latency_verdict import Verdict
from bench.render.ratio_text import ratio_words
from bench.stats.paired_ratio import Ratio

STATE_WORDS: dict[State, str] = {
    "broken": "BROKEN",
    "regressed": "REGRESSED",
    "refused": "NEITHER BUILDS IT",
    "unclear": "cannot tell",
    "improved": "improved",
    "new": "new",
    "unchanged": "unchanged",
}
LEAST_RATE = 1e-4
"""False-alarm rate below which no digits are worth printing."""


def title(report: LatencyGuardReport) -> str:
    """The verdict in a few words."""
    if report.fails:
        return "latency guard failed"
    if report.count("refused"):
        return "latency guard was asked for a variant that neither revision builds"
    if report.same_code:
        return "latency guard compared nothing, since both revisions are the same code"
    return "latency guard cannot tell" if report.cannot_tell else "latency guard passed"


def headline(report: LatencyGuardReport) -> str:
    """One sentence below the verdict."""
    tally = ", ".join(f"{n} {state}" for state in STATES if (n := report.count(state)))
    ratios = f"{report.compared} ratio{'' if report.compared == 1 else 's'} compared"
    return f"{ratios}: {tally or 'nothing measured'}; head {report.head} against base {report.base}."


def compared_nothing(report: LatencyGuardReport) -> bool:
    """Whether nothing was compared, and neither noise nor a failure is why."""
    return not (report.compared or report.fails or report.count("refused") or report.count("unclear"))


def next_steps(report: LatencyGuardReport) -> list[str]:
    """What to do about it, a line a step."""
    lines = []
    if report.count("broken"):
        lines.append("a variant that went on purpose: name the ones to guard without it.")
    if report.count("regressed"):
        lines.append("`bench duel VARIANT --rev-a BASE --rev-b HEAD` with the same settings measures one again.")
        lines.append("a slow-down that is meant needs no baseline: after the merge the new revision is the base.")
    if report.count("refused"):
        lines.append("neither builds it: mend its name, or what else its reason says, or leave it out.")
    if any(variant.state == "unclear" and variant.verdict is None for variant in report.variants):
        lines.append("not measured: mend what its reason says, or leave that variant out.")
    if any(variant.state == "unclear" and variant.verdict for variant in report.variants):
        lines.append(
            "cannot tell: end other work on the machine, or give it more with --restarts and --seconds, or ask for "
            "less with --wanted."
        )
    if report.same_code:
        lines.append(
            "nothing was compared: base and head are the same code. Pass another --against, such as HEAD~1, or HEAD "
            "with `--head .`, which judges uncommitted changes of tracked files."
        )
    elif compared_nothing(report):
        lines.append("nothing was compared: name a variant that both revisions have.")
    return lines


def setting_words(report: LatencyGuardReport) -> list[str]:
    """With what the job was done, a line a fact."""
    machine, rule = report.machine, report.rule
    gpu = f", {machine['gpu']}" if machine.get("gpu") else ""
    return [
        f"measured: {report.setting}",
        f"machine: {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}{gpu}",
        f"rule: up to {100 * rule.tolerated:g} % slower is tolerated; a verdict must have been able to see "
        f"{100 * rule.wanted:g} %; the job took {report.seconds:.0f} s",
        *(f"note: {note}" for note in report.notes),
        *(f"doubtful: {_one_line(doubt)}" for doubt in report.doubts),
    ]


def sentences(variant: JudgedVariant) -> list[str]:
    """All that is to say about a variant, a line a fact."""
    lines = [_one_line(variant.reason)] if variant.reason else []
    verdict = variant.verdict
    if verdict is not None:
        lines += [change_words(verdict), trust_words(verdict), itself_words(verdict), times_words(verdict)]
    return lines


def change_words(verdict: Verdict) -> str:
    """Head beside base, with its interval; of a verdict beyond the limit never "no difference"."""
    beyond = verdict.state in ("regressed", "improved")
    if beyond and not verdict.head.differs:
        return f"head against base is beyond the limit: {ratio_figures(verdict.head)}"
    return _ratio_words(verdict.head, "head")


def itself_words(verdict: Verdict) -> str:
    """The base beside itself, which measures the noise."""
    return f"the base against itself: {_ratio_words(verdict.same, 'base again')}"


def trust_words(verdict: Verdict) -> str:
    """How far the verdict can be trusted, by the noise of its own job."""
    return (
        f"counts as slower above {signed(verdict.limit)}; equal code would come out there in "
        f"{rate_words(verdict.false_alarms)} of jobs like this one; a slow-down of {100 * verdict.seen:.1f} % or more "
        "would have been seen in 95 of 100"
    )


def times_words(verdict: Verdict) -> str:
    """What the ratio is made of."""
    return (
        f"base {verdict.base_ms:.1f} ms, head {verdict.head_ms:.1f} ms (compare the ratio, not the times); "
        f"{verdict.restarts} restarts of {verdict.cycles} or more cycles"
    )


def ratio_figures(ratio: Ratio) -> str:
    """ "+0.3 % (95 % interval −1.2 to +1.5 %)"."""
    low, high = signed(ratio.low - 1).removesuffix(" %"), signed(ratio.high - 1)
    return f"{signed(ratio.value - 1)} (95 % interval {low} to {high})"


def signed(share: float) -> str:
    """A share in percent with its sign."""
    return f"{100 * share:+.1f} %".replace("-", "−")


def rate_words(rate: float) -> str:
    """A small probability; never a zero that is none."""
    return f"{100 * rate:.2f} %" if rate >= LEAST_RATE else f"< {100 * LEAST_RATE:.2f} %"


def _ratio_words(ratio: Ratio, second: str) -> str:
    """In words, with the interval that they leave out where it holds "no difference"."""
    words = ratio_words(ratio, "base", second)
    return words if ratio.differs else f"{words}; measured {ratio_figures(ratio)}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
