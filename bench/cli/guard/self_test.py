"""`bench guard --self-test`: how often the latency guard errs on this machine, on cases whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.common.output import say
from bench.cli.guard.outcome import Outcome
from bench.errors import ExitCode, UserError
from bench.guard.self_test_rates import FEWEST_DECISIONS, SelfTest, sum_up

if TYPE_CHECKING:
    from bench.guard.self_test_store import SelfTestStore
    from bench.settings.latency import LatencySetting

_VARIANT = "mobilenetv4_conv_small_035+frm1234-dnl-w64+fpn32-head32"


def run_self_test(
    targets: tuple[str, ...],
    setting: LatencySetting,
    trials: int,
    slower_trials: int,
    busy: bool,
    restarts: int,
    seconds: float,
    tolerated: float,
    wanted: float,
    results_dir: Path,
) -> Outcome:
    """Run what is missing of the trials, keep each as it ends, and print the rates of all.

    Raises:
        UserError: two variants, one that cannot be run, or a runtime or device that is not there.
    """
    from bench.guard.latency_run import Effort
    from bench.guard.latency_verdict import Rule
    from bench.guard.self_test_store import SelfTestStore
    from bench.latency.runtimes import check_runtime
    from variants.names import parse_name

    check_runtime(setting)
    if len(targets) > 1:
        raise UserError(f"--self-test takes one variant, not {len(targets)}. Name one, or none for {_VARIANT}.")
    variant = parse_name(targets[0] if targets else _VARIANT).name
    effort, rule = Effort(restarts, seconds), Rule(tolerated / 100, wanted / 100)
    store = SelfTestStore(results=results_dir, variant=variant, setting=setting, effort=effort, rule=rule, busy=busy)
    _run_missing(store, trials, slower_trials)
    decisions = store.read()
    found = sum_up(decisions)
    _print(found, busy, store)
    return Outcome(_exit_code(found), len(decisions))


def _exit_code(found: SelfTest) -> int:
    if not found.holds:
        return ExitCode.CHECK_FAILED
    return ExitCode.FINE if found.is_enough else ExitCode.NOTHING_MEASURED


def _run_missing(store: SelfTestStore, same: int, slower: int) -> None:
    """What was kept before is not run again."""
    from bench.guard.self_test_trials import run_trials
    from bench.latency.checkout import WORKING_TREE, checked_out

    kept = store.read()
    same -= sum(not decision.more_work for decision in kept)
    slower -= sum(decision.more_work for decision in kept)
    if kept:
        say(f"{len(kept)} decisions are kept in {store.path}")
    if same <= 0 and slower <= 0:
        return
    total = max(same, 0) + max(slower, 0)
    with checked_out(WORKING_TREE) as checkout:
        trials = run_trials(
            checkout,
            store.variant,
            setting=store.setting,
            same=max(same, 0),
            slower=max(slower, 0),
            effort=store.effort,
            rule=store.rule,
            busy=store.busy,
        )
        for number, trial in enumerate(trials, start=1):
            decision = store.append(trial)
            kind = "a tenth more work" if decision.more_work else "equal code"
            measured = f"{100 * (decision.ratio - 1):+.1f} %, {decision.seconds:.1f} s"
            say(f"[{number}/{total}] {kind}: {decision.state}, {measured}")


def _promises(found: SelfTest) -> str:
    if not found.holds:
        return "promises NOT met"
    if not found.is_enough:
        return f"promises neither met nor broken by so few: they are of {FEWEST_DECISIONS} decisions on equal code"
    return "promises met"


def _print(found: SelfTest, busy: bool, store: SelfTestStore) -> None:
    beside = "beside a process that keeps one core busy" if busy else "with nothing else started"
    click.echo(f"self-test of the latency guard, {beside}: {store.variant}; {store.setting}")
    slow_down = f"{100 * (found.slow_down - 1):+.1f} %"
    seconds = f"{found.typical_seconds:.1f}, {found.seconds:.1f} at most"
    for line in (
        f"false alarms: {found.false_alarms} of equal code called slower; promised at most 1 %",
        f"called faster: {found.false_improvements} of equal code",
        f"detected: {found.detected} of a tenth more work, {slow_down} measured; promised 95 %",
        f"could not tell: {found.unclear} of equal code",
        f"rate of false alarms that the verdicts gave of themselves: {100 * found.stated:.2f} % on average",
        f"seconds of a verdict, start of its processes included: {seconds}; promised 60",
        f"{_promises(found)}; decisions in {store.path}",
    ):
        click.echo(line)
