"""`bench sweep`: plan, forecast, measure, report."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.counting import count_with_progress
from bench.cli.executor_options import ExecutorChoice, executor_options
from bench.cli.options import cores, max_gmacs_option, max_params_option, reports_option, results_option, workers_option
from bench.cli.report_command import render_sweep
from bench.cli.say import say
from bench.errors import ExitCode, NothingToShowError

if TYPE_CHECKING:
    from bench.cost.budget import Budget
    from bench.judge.halving import Rung
    from bench.store import Store
    from bench.sweep.executor import Crew
    from bench.sweep.forecast import Forecast
    from bench.sweep.prepare import Plan
    from bench.sweep.run import Tally
    from bench.sweep.spacefile import SpaceFile

_folder = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("space", default="quick")
@click.option("--data-root", type=_folder, help="Folder of the data set, for those that have files.")
@click.option(
    "--weights-dir", type=_folder, help="Folder with one ImageNet weights file per timm name; without it, timm's hub."
)
@max_gmacs_option
@max_params_option
@workers_option
@click.option(
    "--gpu-trainings",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Trainings at a time on a GPU: small networks leave most of a large one idle.",
)
@executor_options
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=1),
    default=6 * 3600.0,
    show_default=True,
    help="Seconds after which a cell is given up.",
)
@click.option(
    "--schedule",
    type=click.Choice(["full", "halving"]),
    default="full",
    show_default=True,
    help="full trains every variant to the end; halving stops early those that a front would not miss.",
)
@click.option(
    "--spend",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.33,
    show_default=True,
    help="Share of the full schedule's epochs that halving may take.",
)
@click.option("--retry-failed", is_flag=True, help="Measure cells again that have failed before.")
@click.option(
    "--retry-doubtful", is_flag=True, help="Measure latencies again that cannot be trusted, or lacked trained weights."
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Check everything, say what would be measured and how long it takes; measure nothing.",
)
@results_option
@reports_option
def command(
    space: str, data_root: Path | None, weights_dir: Path | None, max_gmacs: float | None, max_params: int | None,
    workers: int | None, gpu_trainings: int, choice: ExecutorChoice, timeout_s: float, schedule: str, spend: float,
    retry_failed: bool, retry_doubtful: bool, dry_run: bool,
    results_dir: Path, reports_dir: Path,
) -> None:  # fmt: skip
    """Measure every variant of SPACE: cost, mIoU, then latency; then report.

    SPACE is a shipped space (`bench list spaces`) or a YAML file. What results/ already holds is not
    measured again: after a stop, the same command goes on.

    \b
    bench sweep quick
    bench sweep camvid --data-root CAMVID --weights-dir WEIGHTS
    bench sweep my_space.yaml --dry-run
    bench sweep my_space.yaml --schedule halving --spend 0.33
    bench sweep my_space.yaml --max-gmacs 30 --max-params 5M
    bench sweep my_space.yaml --executor ray --ray-address 10.0.0.1:6379 --gpus-per-variant 0.5
    """
    from bench.cli.progress import SweepProgress
    from bench.cost.budget import Budget
    from bench.store import Store
    from bench.sweep.spacefile import load_space

    loaded = load_space(space)
    limits = Budget(max_gmacs, max_params)
    _say_space(loaded)
    store = Store(results_dir)
    crew = click.get_current_context().with_resource(
        choice.crew(workers, gpu_trainings, results_dir, data_root, weights_dir)
    )

    def prepare() -> tuple[Plan, Forecast]:
        return _prepare(loaded, store, data_root, weights_dir, retry_failed, retry_doubtful, limits, crew)

    if dry_run:
        plan, _ = prepare()
        if schedule == "halving":
            _rungs(plan, spend)
        for spec in plan.specs:
            click.echo(spec.name)
        return
    from bench.sweep.run import run_plan

    with store.locked():
        plan, prediction = prepare()
        rungs = _rungs(plan, spend) if schedule == "halving" else None
        with SweepProgress(len(plan.todo)) as progress, _polite_kill():
            tally = run_plan(plan, store, prediction, timeout_s, progress, rungs, crew.execute)
    _say_end(tally, plan)
    try:
        render_sweep(loaded.name, results_dir, reports_dir)
    except NothingToShowError as error:  # every cell of a kind failed: their reasons are on the screen
        say(f"no report: {error}")
        sys.exit(ExitCode.NOTHING_MEASURED)


def _prepare(
    space: SpaceFile,
    store: Store,
    data_root: Path | None,
    weights_dir: Path | None,
    retry_failed: bool,
    retry_doubtful: bool,
    limits: Budget,
    crew: Crew,
) -> tuple[Plan, Forecast]:
    say("checking data, backbones and weights")
    from bench.sweep.prepare import forecast_plan, prepare

    plan = prepare(
        space, store, data_root, weights_dir, retry_failed, limits,
        partial(count_with_progress, workers=min(crew.lanes.workers, cores())), retry_doubtful, crew.way,
    )  # fmt: skip
    _say_plan(plan)
    prediction = forecast_plan(plan, crew.lanes)
    _say_forecast(plan, prediction.seconds_left(plan.todo, {}), crew.lanes.workers)
    return plan, prediction


def _rungs(plan: Plan, spend: float) -> list[Rung]:
    """Say how many variants go on after which epochs."""
    from bench.sweep.halving import plan_halving

    trainings = [cell for cell in plan.todo if cell.group == "accuracy"]
    rungs = plan_halving(trainings, len({spec.name for spec in plan.specs} - {c.spec.name for c in trainings}), spend)
    if rungs:
        words = ", ".join(f"{rung.keep} after {rung.epochs} epochs" for rung in rungs)
        say(f"halving: of {len(plan.specs)} variants go on {words}; the time above is of the full schedule")
    return rungs


@contextmanager
def _polite_kill() -> Iterator[None]:
    """SIGTERM and Ctrl-C end the sweep in words; what ended before is on the disk."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        say("stopped. Every record that ended is kept; the same command goes on from here.")
        sys.exit(ExitCode.INTERRUPTED)
    finally:
        signal.signal(signal.SIGTERM, before)


def _say_space(space: SpaceFile) -> None:
    expansion = space.expansion
    say(f"space {space.name}: {len(space.specs)} variants of {expansion.combinations} combinations")
    for reason, count in expansion.dropped.items():
        say(f"  dropped {count}: {reason}")


def _say_plan(plan: Plan) -> None:
    say(f"data {plan.dataset.name}: {plan.dataset.describe()}")
    if plan.budget:
        say(f"budget: {plan.budget}: {plan.beyond} of {len(plan.space.specs)} variants are beyond and not measured")
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
    from bench.sweep.forecast import duration_words, finish_time

    if plan.todo:
        words = duration_words(seconds)
        say(f"about {words}, until {finish_time(seconds)} (probed: one step a backbone, {workers} workers)")


def _say_end(tally: Tally, plan: Plan) -> None:
    reused = f", {len(plan.reused)} taken from other sweeps" if plan.reused else ""
    say(f"measured {tally.measured}, failed {len(tally.failed)}; {plan.done} done before{reused}")
    if tally.stopped:
        say(f"stopped early {len(tally.stopped)} trainings; without --schedule halving they go on to the end")
    for record in tally.failed:
        say(f"  failed: {record.group} of {record.variant}: {record.reason}")
