"""`bench sweep`: plan, forecast, measure, report."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
from click.core import ParameterSource

from bench.cli.common.graceful_shutdown import polite_kill
from bench.cli.common.options import (
    cores,
    max_gmacs_option,
    max_params_option,
    reports_option,
    results_option,
    workers_option,
)
from bench.cli.common.output import say
from bench.cli.report_command import show_and_write
from bench.cli.sweep.executor_options import ExecutorChoice, executor_options
from bench.cli.sweep.text import prepare_in_words, say_end
from bench.errors import ExitCode, NothingToShowError, UserError

if TYPE_CHECKING:
    from bench.sweep.search import Sampler

GRID = "grid"
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
@click.option(
    "--search",
    type=click.Choice([GRID, "nsga2", "tpe", "random"]),
    default=GRID,
    show_default=True,
    help="grid measures every variant; the others some, each chosen by what those before it reached.",
)
@click.option(
    "--trials",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    help="Variants that a search chooses.",
)
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=8,
    show_default=True,
    help="Variants that a search chooses at a time; the population of NSGA-II.",
)
@click.option("--search-seed", type=click.IntRange(0), default=0, show_default=True, help="Of what a search proposes.")
@click.option("--retry-failed", is_flag=True, help="Measure cells again that have failed before.")
@click.option(
    "--retry-doubtful",
    is_flag=True,
    help="Measure latencies again that cannot be trusted or lacked trained weights; train again where the confusion "
    "matrices are gone.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Check everything, say what would be measured and how long it takes; measure nothing.",
)
@results_option
@reports_option
def command(
    space: str,
    data_root: Path | None,
    weights_dir: Path | None,
    max_gmacs: float | None,
    max_params: int | None,
    workers: int | None,
    gpu_trainings: int,
    choice: ExecutorChoice,
    timeout_s: float,
    schedule: str,
    spend: float,
    search: str,
    trials: int,
    batch: int,
    search_seed: int,
    retry_failed: bool,
    retry_doubtful: bool,
    dry_run: bool,
    results_dir: Path,
    reports_dir: Path,
) -> None:
    """Measure every variant of SPACE: cost, mIoU, then latency; then report.

    SPACE is a shipped space (`bench list spaces`) or a YAML file; without it, quick. What results/ already holds is not
    measured again: after a stop, the same command goes on.

    \b
    bench sweep quick
    bench sweep camvid --data-root CAMVID --weights-dir WEIGHTS
    bench sweep my_space.yaml --dry-run
    bench sweep my_space.yaml --schedule halving --spend 0.33
    bench sweep large_space.yaml --search nsga2 --trials 64 --max-gmacs 30
    bench sweep my_space.yaml --max-gmacs 30 --max-params 5M
    bench sweep my_space.yaml --executor ray --ray-address 10.0.0.1:6379 --gpus-per-variant 0.5
    """
    is_searched = search != GRID
    _refuse_idle_options(is_searched, schedule == "halving")
    if is_searched and schedule != "full":
        raise UserError("--search and --schedule halving do not go together yet: leave one of them out.")
    from bench.sweep.spacefile import load_space

    loaded = load_space(space, is_searched)  # before torch is: a mistake in a space is told at once

    from bench.cli.common.counting import count_with_progress
    from bench.cli.sweep.progress import SweepProgress
    from bench.cost.budget import Budget
    from bench.render.output_folder import require_writable
    from bench.storage.store import Store
    from bench.sweep.job import GridJob, Job, Order, SearchJob
    from bench.sweep.prepare import Retry
    from bench.sweep.search import Strategy

    crew = click.get_current_context().with_resource(
        choice.crew(workers, gpu_trainings, results=results_dir, data_root=data_root, weights_dir=weights_dir)
    )
    order = Order(
        space=loaded,
        store=Store(results_dir),
        data_root=data_root,
        weights_dir=weights_dir,
        retry=Retry(retry_failed, retry_doubtful),
        limits=Budget(max_gmacs, max_params),
        crew=crew,
        timeout_s=timeout_s,
        count=partial(count_with_progress, workers=min(crew.lanes.workers, cores())),
    )
    job: Job
    if is_searched:
        sampler = cast("Sampler", search)
        job = SearchJob(order=order, strategy=Strategy(sampler=sampler, variants=trials, batch=batch, seed=search_seed))
    else:
        job = GridJob(order=order, spend=spend if schedule == "halving" else None)
    if dry_run:
        for spec in prepare_in_words(job).specs:
            click.echo(spec.name)
        return
    require_writable(reports_dir)
    with order.store.locked(), polite_kill():
        prepare_in_words(job)
        with SweepProgress(job.cells, len(loaded.accuracy.seeds) > 1) as progress:
            tally, plan = job.run(progress)
    say_end(job, tally, plan)
    from bench.reports import make_reports  # it draws, which nothing before needs

    try:
        show_and_write(next(make_reports([order.space.name], results_dir)), reports_dir)
    except NothingToShowError as error:  # every cell of a kind failed: their reasons are on the screen
        say(f"no report: {error}")
        sys.exit(ExitCode.NOTHING_MEASURED)


def _refuse_idle_options(is_searched: bool, is_halving: bool) -> None:
    """Options that were given and would change nothing.

    Raises:
        UserError: the first of them.
    """
    given = click.get_current_context().get_parameter_source
    idle = {"spend": ("--spend", "--schedule halving", is_halving)} | {
        name: (f"--{name.replace('_', '-')}", "--search nsga2, tpe or random", is_searched)
        for name in ("trials", "batch", "search_seed")
    }
    for name, (option, needed, is_used) in idle.items():
        if not is_used and given(name) == ParameterSource.COMMANDLINE:
            raise UserError(f"{option} is of {needed}: add it, or leave {option} out.")
