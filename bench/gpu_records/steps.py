"""The steps of the job: which command each runs, what it leaves, and whether that is what was wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.gpu_records import verdicts
from bench.gpu_records.planted import BASE, DOUBLED, EQUAL, make_repository
from bench.gpu_records.process import Ended, bench_command
from bench.gpu_records.settings import COMPILED_SWEEP, SWEEP, Seconds, Setting
from bench.storage.store import Store

_LEAST_OF_A_SWEEP_S = 60.0
"""Seconds that are worth a start: a sweep goes on where it was stopped, and measures nothing twice."""


@dataclass(frozen=True)
class Call:
    """A command and the folder that it runs in."""

    command: list[str]
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step.

    Attributes:
        name: by which it is asked for.
        about: what it does, in words.
        seconds: that it takes.
        least_s: seconds that must be left for it to start.
        make_call: the command, given a folder for files that go with the step.
        judge: what came out, in words; raises `StepFailedError` where that is not what was wanted.
        result: the file that it leaves; without it the step is not done.
        keeps_output: whether what the command prints on stdout is that file.
    """

    name: str
    about: str
    seconds: Seconds
    least_s: float
    make_call: Callable[[Path], Call]
    judge: Callable[[Ended], str]
    result: Path
    keeps_output: bool = False


def make_steps(setting: Setting, results: Path, lockstep: Path) -> list[Step]:
    """List all steps: first those that end soon, last the sweep that may be stopped anywhere.

    Args:
        setting: with what.
        results: folder of the records.
        lockstep: folder of what `bench duel` and `bench guard` print.
    """
    of = setting.seconds
    return [
        Step(
            name="duel",
            about=f"bench duel: {setting.variant}, eager against {setting.other_runtime}",
            seconds=of["duel"],
            least_s=of["duel"].estimate,
            make_call=partial(_duel, setting),
            judge=verdicts.judge_duel,
            result=lockstep / "duel.json",
            keeps_output=True,
        ),
        Step(
            name="guard_equal",
            about="bench guard --latency of equal code, which must be called unchanged",
            seconds=of["guard_equal"],
            least_s=of["guard_equal"].estimate,
            make_call=partial(_guard, setting, BASE, EQUAL),
            judge=partial(verdicts.judge_guard, wanted=None if setting.is_toy else "unchanged"),
            result=lockstep / "guard_equal.json",
            keeps_output=True,
        ),
        Step(
            name="guard_slower",
            about="bench guard --latency of twice the work, which must be called regressed",
            seconds=of["guard_slower"],
            least_s=of["guard_slower"].estimate,
            make_call=partial(_guard, setting, EQUAL, DOUBLED),
            judge=partial(verdicts.judge_guard, wanted=None if setting.is_toy else "regressed"),
            result=lockstep / "guard_slower.json",
            keeps_output=True,
        ),
        Step(
            name="compiled",
            about=f"bench sweep {COMPILED_SWEEP}: one short compiled training",
            seconds=of["compiled"],
            least_s=of["compiled"].estimate,
            make_call=partial(_sweep, setting, COMPILED_SWEEP, results),
            judge=partial(verdicts.judge_sweep, store=Store(results), sweep=COMPILED_SWEEP),
            result=results / COMPILED_SWEEP / "plan.json",
        ),
        Step(
            name="latency",
            about=f"bench sweep {SWEEP}: latency by all runtimes, and the same training uncompiled",
            seconds=of["latency"],
            least_s=min(_LEAST_OF_A_SWEEP_S, of["latency"].estimate),
            make_call=partial(_sweep, setting, SWEEP, results),
            judge=partial(verdicts.judge_sweep, store=Store(results), sweep=SWEEP),
            result=results / SWEEP / "plan.json",
        ),
    ]


def _duel(setting: Setting, scratch: Path) -> Call:
    arguments = ["duel", setting.variant, "--runtime-b", setting.other_runtime, "--json", *_lockstep(setting)]
    return Call(bench_command(*arguments), make_repository(scratch))


def _guard(setting: Setting, base: str, head: str, scratch: Path) -> Call:
    """In a repository of its own: the folder that is measured may have no history."""
    arguments = ["guard", "--latency", setting.variant, "--against", base, "--head", head, "--format", "json"]
    command = bench_command(*arguments, "--runtime", setting.guard_runtime, *_lockstep(setting))
    return Call(command, make_repository(scratch))


def _lockstep(setting: Setting) -> list[str]:
    numbers = ["--restarts", str(setting.restarts), "--seconds", f"{setting.lockstep_s:g}"]
    return ["--device", setting.device, "--size", setting.size, *numbers]


def _sweep(setting: Setting, sweep: str, results: Path, scratch: Path) -> Call:
    """The pages are thrown away: they are drawn where the records are committed, by the versions of the project."""
    space = setting.spaces(scratch)[sweep]
    folders = ["--results", str(results), "--reports", str(scratch / "reports")]
    return Call(bench_command("sweep", space, *folders, "--retry-failed"), scratch)
