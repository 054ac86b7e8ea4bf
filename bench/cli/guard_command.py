"""`bench guard`: today's figures against the committed baseline."""

from __future__ import annotations

import time
from pathlib import Path

import click

from bench.cli.guard_options import (
    Growth,
    GrowthType,
    Output,
    OutputType,
    check_outputs,
    read_allowance,
    write_output,
)  # fmt: skip
from bench.cli.options import cores, results_option, workers_option
from bench.cli.say import say
from bench.errors import ExitCode, UserError
from bench.judge.cost_guard import Allowance, GuardReport
from bench.render.guard_formats import FORMATS
from bench.render.guard_words import headline, next_steps, title


@click.command()
@click.argument("spaces", nargs=-1, metavar="[SPACE]...")
@click.option("--cost", is_flag=True, help="Guard the exact figures, which no machine changes.  [default: this]")
@click.option("--accept", is_flag=True, help="Make the figures of today the baseline.")
@click.option(
    "--allow",
    "growth",
    type=GrowthType(),
    multiple=True,
    help="Percent by which a figure, or macs, parameters, activations or peak_memory, may grow; repeatable.  "
    "[default: 0]",
)
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="table", show_default=True, help="Of stdout."
)
@click.option("--write", "outputs", type=OutputType(), multiple=True, help="Also write a file; repeatable.")
@workers_option
@results_option
def command(
    spaces: tuple[str, ...], cost: bool, accept: bool, growth: tuple[Growth, ...], form: str,
    outputs: tuple[Output, ...], workers: int | None, results_dir: Path,
) -> None:  # fmt: skip
    """Compare what the variants of SPACE cost today with results/SPACE/cost_baseline.json.

    Without SPACE, every space that has a baseline. Compared are parameters, multiply-adds, activations and peak memory,
    in whole numbers, each variant with its own baseline. Exit 1 where one grew or can no longer be counted, 3 where
    nothing was compared.

    \b
    bench guard --accept camvid                     make the baseline, then commit it
    bench guard --cost
    bench guard --cost camvid --allow 0.5 --allow parameters=0
    bench guard --cost --write junit=guard.xml --write markdown=guard.md
    bench guard --cost --format github --write markdown=$GITHUB_STEP_SUMMARY
    """
    if accept and growth:
        raise UserError("--allow says what the guard lets through; --accept lets everything through. Give one of them.")
    allowed = read_allowance(growth)
    check_outputs(outputs)
    report = _look(spaces, accept, allowed, workers or cores(), results_dir)
    click.echo(FORMATS[form](report), nl=False)
    for output in outputs:
        write_output(output, FORMATS[output.form](report))
        say(f"written: {output.path}")
    if form != "table":
        say(f"{title(report)}: {headline(report)}")
    for step in next_steps(report):
        say(step)
    if report.fails:
        raise SystemExit(ExitCode.CHECK_FAILED)
    if report.is_empty:
        raise SystemExit(ExitCode.NOTHING_MEASURED)


def _look(
    names: tuple[str, ...], accept: bool, allowed: Allowance, workers: int, results_dir: Path
) -> GuardReport:  # fmt: skip
    from bench.cli.guard_find import find_spaces
    from bench.cli.guard_space import accept_space, deciding_versions, guard_space
    from bench.cost.trace import METHOD
    from bench.machine import commit

    start = time.perf_counter()
    found = find_spaces(names, results_dir, accept)
    look = accept_space if accept else guard_space
    spaces = tuple(look(space, allowed, workers) for space in found)
    return GuardReport(spaces, METHOD, commit(), deciding_versions(), time.perf_counter() - start, accept)
