"""`bench gpu-records`: what a GPU measures, in less than eight minutes, ready to be committed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TextIO

import click

from bench.cli.common.graceful_shutdown import polite_kill
from bench.cli.common.output import say
from bench.errors import ExitCode, UserError
from bench.gpu_records.keeping import ARCHIVE, LOG, Done, pack
from bench.gpu_records.needs import missing_gpu
from bench.gpu_records.runner import Budget, Outcome, run_steps
from bench.gpu_records.settings import COMPILED_SWEEP, GPU, SWEEP, TOY
from bench.gpu_records.steps import Step, make_steps
from bench.system.machine import commit, machine_id

_MINUTES = 8.0
_TOY_COMMAND = "`make gpu-records TOY=1` (`bench gpu-records --toy`)"
_folder = click.Path(path_type=Path, file_okay=False)
_TABLE = "\n".join(
    f"{step.name:<13} {step.seconds.estimate:>4.0f} s  {step.about}" for step in make_steps(GPU, Path(), Path())
)


@click.command(
    context_settings={"max_content_width": 120},
    help=f"""Measure what needs a GPU, step by step. What is done is not done again.

\b
{_TABLE}

The seconds are expected ones, from the records of an H100. After a step that failed the next ones still run; the same
command again runs what is not done. Records go to results/{SWEEP} and results/{COMPILED_SWEEP}.

\b
bench gpu-records                 on a machine with a GPU
bench gpu-records --out FOLDER    also pack the records, for a machine whose files do not stay
bench gpu-records --toy           try every step on the CPU, in about three minutes

Exit 0 where every step is done, 1 where one is not, 3 where there is no CUDA device.""",
)
@click.option("--budget-minutes", type=click.FloatRange(min=0.1), default=_MINUTES, help="For all steps together.")
@click.option("--only", type=click.Choice(tuple(GPU.seconds)), multiple=True, help="Run this step alone; repeatable.")
@click.option("--again", type=click.Choice(tuple(GPU.seconds)), multiple=True, help="Run this step though it is done.")
@click.option("--out", type=_folder, help=f"Folder for {ARCHIVE} and {LOG}.")
@click.option("--toy", is_flag=True, help="Tiny networks on the CPU, in a new folder. Its numbers mean nothing.")
@click.option(
    "--results", "results_dir", type=_folder, help="Folder of the records.  [default: results; toy: a new one]"
)
def command(
    budget_minutes: float,
    only: tuple[str, ...],
    again: tuple[str, ...],
    out: Path | None,
    toy: bool,
    results_dir: Path | None,
) -> None:
    """See `help` above."""
    since = time.monotonic()
    if not toy:
        _refuse_unfit_machine()
    results = (results_dir or (_new_folder() if toy else Path("results"))).resolve()
    lockstep = results / SWEEP / "lockstep" / machine_id()
    steps = make_steps(TOY if toy else GPU, results, lockstep)
    steps = [step for step in steps if not only or step.name in only]
    budget = Budget(seconds=60 * budget_minutes, since=since, stretch=max(1.0, budget_minutes / _MINUTES))
    log_file = (out or _new_folder()).resolve() / LOG
    outcomes: list[Outcome] = []
    with polite_kill("stopped. What is done is kept; the same command goes on from here."), _log(log_file) as log:
        try:
            for outcome in run_steps(
                steps, Done(lockstep / "done.json"), budget=budget, again=again, on_step=_say_start, on_line=_tee(log)
            ):
                outcomes.append(outcome)
                say(f"{outcome.step.name}: {outcome.state}, {outcome.seconds:.0f} s: {outcome.words}")
        finally:
            if out is not None:
                pack(results, (SWEEP, COMPILED_SWEEP), out.resolve() / ARCHIVE)
    _conclude(outcomes, results, log_file=log_file, out=out, toy=toy)


def _refuse_unfit_machine() -> None:
    if missing := missing_gpu():
        say(f"gpu-records: {missing}. Run it on a machine with a GPU; {_TOY_COMMAND} tries every step on this CPU.")
        sys.exit(ExitCode.NOTHING_MEASURED)
    found = commit()
    if found == "unknown":
        raise UserError(
            "git says nothing here, so no record could say which code it is of. Name the commit of this copy: "
            "BENCH_COMMIT=$(git describe --always --abbrev=12 --dirty=+changes --exclude='*'), run where git is."
        )
    if found.endswith("+changes"):
        say(f"the code is {found}: records of code that is not committed cannot be committed themselves")


def _new_folder() -> Path:
    return Path(mkdtemp(prefix="gpu-records-"))


@contextmanager
def _log(path: Path) -> Iterator[TextIO]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as log:
        yield log


def _tee(log: TextIO) -> Callable[[str], None]:
    def line(text: str) -> None:
        say(f"    {text}")
        log.write(text + "\n")
        log.flush()

    return line


def _say_start(step: Step) -> None:
    say(f"{step.name}: {step.about}; about {step.seconds.estimate:.0f} s")


def _conclude(outcomes: Sequence[Outcome], results: Path, log_file: Path, out: Path | None, toy: bool) -> None:
    """Print what became of each step, and where everything is; exit 1 where one is not done."""
    for outcome in outcomes:
        click.echo(f"{outcome.step.name:<13} {outcome.state:<12} {outcome.seconds:>4.0f} s  {outcome.words}")
    click.echo(f"records: {results / SWEEP}, {results / COMPILED_SWEEP}; log: {log_file}")
    if out is not None:
        click.echo(f"packed: {out / ARCHIVE}; `tar xzf {ARCHIVE}` in the project puts the records in their place")
    if not all(outcome.is_done for outcome in outcomes):
        say("run the same command again for what is not done.")
        sys.exit(ExitCode.CHECK_FAILED)
    if not toy:
        say(f"next: `bench report {SWEEP} {COMPILED_SWEEP}`, then `git add results reports`")
