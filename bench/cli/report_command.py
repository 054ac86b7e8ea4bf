"""`bench report`: results/ -> reports/, of sweeps and adaptations."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.common.options import reports_option, results_option
from bench.cli.common.output import say
from bench.cli.guard.front_changes import print_comparison, reference
from bench.metrics import Convention

if TYPE_CHECKING:
    from bench.guard.front_comparison import Reference
    from bench.reports import Report


@click.command()
@click.argument("sweeps", nargs=-1)
@click.option("--flops", is_flag=True, help="Say FLOPs at 2 per MAC in place of MACs.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where a report does not follow from its records.")
@click.option("--against", metavar="REV", help="Write nothing; say how the front of one sweep moved since a revision.")
@click.option("--against-sweep", metavar="SWEEP", help="The same against another sweep on the same data.")
@results_option
@reports_option
def command(
    sweeps: tuple[str, ...],
    flops: bool,
    check: bool,
    against: str | None,
    against_sweep: str | None,
    results_dir: Path,
    reports_dir: Path,
) -> None:
    """Render the pages and figures of SWEEPS and adaptations (default: all) from the records alone.

    \b
    bench report
    bench report camvid
    bench report adapt/dusk                          # what `bench adapt` measured
    bench report camvid --flops --reports pages_in_flops
    bench report --check
    bench report camvid --against HEAD~1
    bench report camvid_gpu --against-sweep camvid_modules
    """
    from bench.errors import UserError
    from bench.storage.store import PREFIX

    other = reference(against, against_sweep)
    adaptations = [name for name in sweeps if name.startswith(PREFIX)]
    if adaptations and (flops or other is not None):
        raise UserError(f"--flops and --against are of sweeps; {', '.join(adaptations)} has no front. Leave them out.")
    if other is not None:
        _compare(sweeps, other, results_dir)
        return
    from bench.reports import make_reports, report_names

    names = sweeps or report_names(results_dir)
    if not names:
        raise UserError(f"{results_dir} holds no records. Run `bench sweep` first.")
    convention: Convention = "flops" if flops else "macs"
    if check:
        _check(names, results_dir, reports_dir, convention)
        return
    for report in make_reports(names, results_dir, convention):
        show_and_write(report, reports_dir)


def _compare(sweeps: tuple[str, ...], other: Reference, results_dir: Path) -> None:
    from bench.errors import UserError
    from bench.guard.front_comparison import compare_fronts

    if len(sweeps) != 1:
        example = sweeps[0] if sweeps else "SWEEP"
        raise UserError(f"--against compares one sweep. Name it: `bench report {example} --against {other}`.")
    print_comparison(compare_fronts(sweeps[0], other, results_dir))


def show_and_write(report: Report, reports_dir: Path) -> None:
    """Print what a report shows, write it, and say where it is.

    Raises:
        UserError: the folder cannot be written.
    """
    report.show()
    say_written(report.write(reports_dir))


def renew_sweeps_behind(adaptation: str, results_dir: Path, reports_dir: Path) -> None:
    """Write again the reports, of those that are there, of sweeps that an adaptation starts from.

    What is wrong with one of these sweeps is said, and stops nothing.
    """
    from bench.errors import UserError
    from bench.reports import reports_that_show

    for sweep, report in reports_that_show(adaptation, results_dir, reports_dir):
        try:
            if isinstance(report, UserError):
                raise report
            say_written(report.write(reports_dir))
        except UserError as error:
            say(f"the page of {sweep} does not show {adaptation} yet: {error}")


def say_written(page: Path) -> None:
    """Say where a report is."""
    say(f"report: {page} and {page.with_name('README.md')}")


def _check(names: tuple[str, ...], results_dir: Path, reports_dir: Path, convention: Convention) -> None:
    from bench.errors import ExitCode
    from bench.render.freshness import stale_files
    from bench.reports import make_reports

    made = make_reports(names, results_dir, convention, predictions=False)
    faults = {report.name: stale_files(report.write, reports_dir) for report in made}
    for name, lines in faults.items():
        click.echo(f"{name}: {'fresh' if not lines else 'STALE'}")
        for line in lines:
            click.echo(f"  {line}")
    stale = [name for name, lines in faults.items() if lines]
    if stale:
        say(f"{len(stale)} of {len(names)} reports do not follow from their records: `bench report {' '.join(stale)}`")
        sys.exit(ExitCode.CHECK_FAILED)
