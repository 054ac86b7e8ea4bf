"""`bench guard --latency`: variants of one revision against another, in lock-step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from bench.cli.common.graceful_shutdown import polite_kill
from bench.cli.common.output import say
from bench.cli.guard.options import Output, show_report
from bench.cli.guard.outcome import Outcome
from bench.errors import ExitCode
from bench.guard.latency_report import JudgedVariant, LatencyGuardReport, worst_first
from bench.guard.render.latency.formats import LATENCY_FORMATS
from bench.guard.render.latency.text import headline, next_steps, title

if TYPE_CHECKING:
    from bench.guard.latency_run import Effort
    from bench.guard.latency_verdict import Rule
    from bench.latency.checkout import Checkout
    from bench.settings.latency import LatencySetting

_SPACE = "quick"
_NOT_JUDGED = "uncommitted changes are not judged; --head . judges the files as they are"


def run_latency_guard(
    targets: tuple[str, ...],
    against: str,
    head: str,
    setting: LatencySetting,
    restarts: int,
    seconds: float,
    tolerated: float,
    wanted: float,
    form: str,
    outputs: tuple[Output, ...],
) -> Outcome:
    """Judge every variant, and print and write what was found."""
    from bench.latency.runtimes import check_runtime

    names = _variants(targets or (_SPACE,))
    check_runtime(setting)
    with polite_kill("stopped; nothing is reported."):
        report = _guard(
            names,
            against,
            head=head,
            setting=setting,
            restarts=restarts,
            seconds=seconds,
            tolerated=tolerated,
            wanted=wanted,
        )
    texts = {name: render(report) for name, render in LATENCY_FORMATS.items()}
    show_report(texts, form, outputs=outputs, verdict=f"{title(report)}: {headline(report)}", steps=next_steps(report))
    return Outcome(exit_code(report), report.compared)


def exit_code(report: LatencyGuardReport) -> int:
    """A variant that neither revision builds is the user's to mend."""
    if report.fails:
        return ExitCode.CHECK_FAILED
    if report.count("refused"):
        return ExitCode.USAGE
    return ExitCode.NOTHING_MEASURED if report.cannot_tell else ExitCode.FINE


def _variants(targets: tuple[str, ...]) -> list[str]:
    """Names of variants, and of all variants of spaces, each once."""
    from bench.sweep.target import read_target

    return list(dict.fromkeys(spec.name for target in targets for spec in read_target(target).specs))


def _guard(
    names: list[str],
    against: str,
    head: str,
    setting: LatencySetting,
    restarts: int,
    seconds: float,
    tolerated: float,
    wanted: float,
) -> LatencyGuardReport:
    from bench.guard.latency_run import Effort
    from bench.guard.latency_verdict import Rule
    from bench.latency.checkout import checked_out, uncommitted
    from bench.system.machine import machine_facts, versions

    start = time.monotonic()
    rule = Rule(tolerated / 100, wanted / 100)
    notes = [_NOT_JUDGED] if head == "HEAD" and uncommitted() else []
    for note in notes:
        say(note)
    with ExitStack() as stack:
        base, other = (stack.enter_context(checked_out(revision)) for revision in (against, head))
        say(f"base {base.label}, head {other.label}; {setting}; {len(names)} variants")
        same = base.code == other.code
        judged, doubts = (
            ([], ())
            if same
            else _judge(names, base, head=other, setting=setting, effort=Effort(restarts, seconds), rule=rule)
        )
    return LatencyGuardReport(
        base=base.label,
        head=other.label,
        setting=setting,
        rule=rule,
        variants=worst_first(judged),
        doubts=doubts,
        machine=machine_facts(),
        versions=versions(),
        seconds=time.monotonic() - start,
        notes=tuple(notes),
        same_code=same,
    )


def _judge(
    names: Sequence[str], base: Checkout, head: Checkout, setting: LatencySetting, effort: Effort, rule: Rule
) -> tuple[list[JudgedVariant], tuple[str, ...]]:
    """Variants one by one, and why the job as a whole is to be mistrusted."""
    from bench.analysis.latency_quality import doubts_of_conditions
    from bench.guard.latency_run import guard_ready, without_verdict
    from bench.latency.hosts import SideFailedError

    with ExitStack() as stack:
        try:
            guard = stack.enter_context(
                guard_ready(base, head, setting=setting, effort=effort, rule=rule, of_project=True)
            )
        except SideFailedError as error:  # not even the packages can be imported
            return [without_verdict(name, error) for name in names], ()
        start, watch, judged = time.monotonic(), guard.ready.watch(setting.device), []
        for number, name in enumerate(names, start=1):
            judged.append(guard.judge_variant(name))
            left = (time.monotonic() - start) / number * (len(names) - number)
            say(f"[{number}/{len(names)}] {name}: {judged[-1].state}  (about {left:.0f} s left)")
        doubts = doubts_of_conditions(watch.stop().to_json())
    return judged, tuple(f"{doubt.words}. What to do: {doubt.mend}" for doubt in doubts)
