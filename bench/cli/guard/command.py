"""`bench guard`: stops a change that makes a variant costlier or slower."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.common.latency_options import restarts_option, say_if_unverified, seconds_option, setting_options
from bench.cli.common.options import cores, results_option, workers_option
from bench.cli.guard.front_changes import reference
from bench.cli.guard.options import Growth, GrowthType, Output, OutputType, check_outputs
from bench.cli.guard.outcome import foreign_exits_fail
from bench.errors import UserError
from bench.guard.render.cost.formats import FORMATS

if TYPE_CHECKING:
    from bench.guard.front_comparison import Reference
    from bench.settings.latency import LatencySetting


@click.command()
@click.argument("targets", nargs=-1, metavar="[SPACE|VARIANT]...")
@click.option("--cost", is_flag=True, help="Guard the exact figures, which no machine changes.  [default: this]")
@click.option("--latency", is_flag=True, help="Guard the latency, in lock-step with another revision.")
@click.option("--front", is_flag=True, help="Guard the front of each sweep that is named, in results/.")
@click.option("--self-test", "self_test", is_flag=True, help="Measure how often the latency guard errs here.")
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="table", show_default=True, help="Of stdout."
)
@click.option("--write", "outputs", type=OutputType(), multiple=True, help="Also write a file; repeatable.")
@click.option("--accept", is_flag=True, help="Cost: make the figures of today the baseline.")
@click.option(
    "--allow",
    "growth",
    type=GrowthType(),
    multiple=True,
    help="Cost: percent by which a figure, or macs, parameters, activations or peak_memory, may grow; repeatable.  "
    "[default: 0]",
)
@workers_option
@results_option
@click.option(
    "--against",
    metavar="REV",
    help="The git revision to compare with; cost: its baselines, which a change can then neither delete nor raise.",
)
@click.option("--against-sweep", metavar="SWEEP", help="Front: compare with another sweep of results/ instead.")
@click.option(
    "--pin",
    "pins",
    multiple=True,
    metavar="LIMIT",
    help="Front: also the best mIoU within a limit, such as 'gmacs<=3' or 'params<=5M'; repeatable.",
)
@click.option(
    "--head", default="HEAD", show_default=True, help="Latency: the revision to judge; `.`: files as they are."
)
@click.option(
    "--tolerated",
    type=click.FloatRange(0, 100),
    default=4.0,
    show_default=True,
    help="Latency: percent by which head may be slower.",
)
@click.option(
    "--wanted",
    type=click.FloatRange(0, 1000),
    default=10.0,
    show_default=True,
    help="Latency: percent of slow-down that must have been visible, or the guard cannot tell.",
)
@restarts_option
@seconds_option
@click.option(
    "--trials",
    type=click.IntRange(1, 100_000),
    default=200,
    show_default=True,
    help="Self-test: decisions on equal code.",
)
@click.option(
    "--slower-trials",
    type=click.IntRange(1, 100_000),
    default=100,
    show_default=True,
    help="Self-test: decisions on a tenth more work.",
)
@click.option("--busy", is_flag=True, help="Self-test: beside a process that keeps one core at work.")
@setting_options
def command(
    targets: tuple[str, ...],
    cost: bool,
    latency: bool,
    front: bool,
    self_test: bool,
    form: str,
    outputs: tuple[Output, ...],
    accept: bool,
    growth: tuple[Growth, ...],
    workers: int | None,
    results_dir: Path,
    against: str | None,
    against_sweep: str | None,
    pins: tuple[str, ...],
    head: str,
    tolerated: float,
    wanted: float,
    restarts: int,
    seconds: float,
    trials: int,
    slower_trials: int,
    busy: bool,
    setting: LatencySetting,
) -> None:
    """Compare variants with what they cost, or how long they took, before.

    Cost: parameters, multiply-adds, activations and peak memory of each SPACE (without one, of every space that has a
    baseline) against results/SPACE/cost_baseline.json, in whole numbers; with --against the baselines of that
    revision. Exit 1 where a figure grew or cannot be counted, or a baseline was deleted, raised or shortened; 3 where
    nothing was compared.

    Latency: each VARIANT or variant of SPACE (without one, of `quick`) at a revision of the project in this folder
    against another one, in lock-step, with the base against itself beside it. Exit 1 where one is slower, 3 where
    nothing was measured or this machine cannot tell today.

    Front: the committed records of each sweep against those at another revision (or of another sweep on the same data).
    Exit 1 where the hypervolume, or the best mIoU within a pinned limit, is worse beyond noise; 3 where both sides are
    the same records.

    \b
    bench guard --accept camvid                     make the baseline, then commit it
    bench guard --cost camvid --allow 0.5 --allow parameters=0
    bench guard --cost --against origin/main --format github --write markdown=$GITHUB_STEP_SUMMARY
    bench guard --latency --against origin/main --size 512x256 --write junit=guard.xml
    bench guard --latency --against HEAD --head . resnet18+fpn64-head32
    bench guard --front camvid --against origin/main --pin 'gmacs<=2'
    bench guard --self-test --busy
    """
    other = reference(against, against_sweep)
    _refuse_mixed(cost, latency, front=front, self_test=self_test, accept=accept, growth=growth, against=other)
    if (front or self_test) and (outputs or form != "table"):
        raise UserError("--format and --write are of the guards of cost and latency. Leave them out.")
    check_outputs(outputs)
    if latency or self_test:
        _check_rule(tolerated, wanted)
        say_if_unverified(setting)
    with foreign_exits_fail():
        if front:
            from bench.cli.guard.front import run_front_guard

            assert other is not None
            outcome = run_front_guard(targets, other, pins, results_dir)
        elif self_test:
            from bench.cli.guard.self_test import run_self_test

            outcome = run_self_test(
                targets,
                setting,
                trials=trials,
                slower_trials=slower_trials,
                busy=busy,
                restarts=restarts,
                seconds=seconds,
                tolerated=tolerated,
                wanted=wanted,
                results_dir=results_dir,
            )
        elif latency:
            from bench.cli.guard.latency import run_latency_guard

            assert against is not None
            outcome = run_latency_guard(
                targets,
                against,
                head=head,
                setting=setting,
                restarts=restarts,
                seconds=seconds,
                tolerated=tolerated,
                wanted=wanted,
                form=form,
                outputs=outputs,
            )
        else:
            from bench.cli.guard.cost import run_cost_guard

            outcome = run_cost_guard(
                targets,
                accept,
                growth=growth,
                form=form,
                outputs=outputs,
                workers=workers or cores(),
                results_dir=results_dir,
                against=against,
            )
    outcome.end()


def _check_rule(tolerated: float, wanted: float) -> None:
    """What must have been visible lies above the limit, and the limit nowhere below what is tolerated."""
    if wanted <= tolerated:
        raise UserError(
            f"--tolerated {tolerated:g} lets a slow-down of --wanted {wanted:g} % pass, so no verdict could have seen "
            f"it. Give a larger --wanted, such as {2.5 * max(tolerated, 1):g}, or tolerate less."
        )


def _refuse_mixed(
    cost: bool,
    latency: bool,
    front: bool,
    self_test: bool,
    accept: bool,
    growth: tuple[Growth, ...],
    against: Reference | None,
) -> None:
    if cost + latency + front + self_test > 1:
        raise UserError("--cost, --latency, --front and --self-test are guards of their own. Give one of them.")
    if (latency or front or self_test) and (accept or growth):
        raise UserError("--accept and --allow are of the cost guard; the others have no baseline but another revision.")
    for name, wanted in (("latency", latency), ("front", front)):
        if wanted and against is None:
            raise UserError(
                f"--{name} compares with a revision. Say which: --against origin/main, or --against HEAD~1."
            )
    if against is not None and against.sweep is not None and not front:
        raise UserError("--against-sweep is of the front guard. Add --front, or pass --against REV.")
    if against is not None and (accept or self_test):
        refused = "--accept writes the baselines of the files as they are" if accept else "--self-test has no revision"
        raise UserError(f"{refused}. Leave --against out.")
