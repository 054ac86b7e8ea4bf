"""`bench report`: results/ -> reports/, of sweeps and adaptations."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.adaptations import PREFIX, adaptations_in
from bench.cli.front_moves import compare_fronts, reference
from bench.cli.options import reports_option, results_option
from bench.cli.say import say
from bench.metrics import Convention

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.judge.adaptation import Adaptation
    from bench.judge.study import Study


@click.command()
@click.argument("sweeps", nargs=-1)
@click.option("--flops", is_flag=True, help="Say FLOPs at 2 per MAC in place of MACs.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where a report does not follow from its records.")
@click.option("--against", metavar="REV", help="Write nothing; say how the front of one sweep moved since a revision.")
@click.option("--against-sweep", metavar="SWEEP", help="The same against another sweep on the same data.")
@results_option
@reports_option
def command(
    sweeps: tuple[str, ...], flops: bool, check: bool, against: str | None, against_sweep: str | None,
    results_dir: Path, reports_dir: Path,
) -> None:  # fmt: skip
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

    other = reference(against, against_sweep)

    names = sweeps or _all(results_dir)
    if not names:
        raise UserError(f"{results_dir} holds no records. Run `bench sweep` first.")
    adaptations = [name for name in sweeps if name.startswith(PREFIX)]
    if adaptations and (flops or other is not None):
        raise UserError(f"--flops and --against are of sweeps; {', '.join(adaptations)} has no front. Leave them out.")
    if other is not None:
        if len(sweeps) != 1:
            raise UserError(f"--against compares one sweep. Name it: `bench report {names[0]} --against {other}`.")
        compare_fronts(names[0], other, results_dir)
        return
    convention: Convention = "flops" if flops else "macs"
    if check:
        _check(names, results_dir, reports_dir, convention)
        return
    for name in names:
        if name.startswith(PREFIX):
            render_adaptation(name.removeprefix(PREFIX), results_dir, reports_dir)
        else:
            render_sweep(name, results_dir, reports_dir, convention)


def _all(results_dir: Path) -> tuple[str, ...]:
    from bench.store import Store

    adaptations = (f"{PREFIX}{name}" for name in adaptations_in(results_dir).sweeps())
    return (*Store(results_dir).sweeps(), *adaptations)


def _check(names: tuple[str, ...], results_dir: Path, reports_dir: Path, convention: Convention) -> None:
    from bench.errors import ExitCode
    from bench.render.fresh import stale_files

    faults = {name: stale_files(_writer(name, results_dir, convention), reports_dir) for name in names}
    for name, lines in faults.items():
        click.echo(f"{name}: {'fresh' if not lines else 'STALE'}")
        for line in lines:
            click.echo(f"  {line}")
    stale = [name for name, lines in faults.items() if lines]
    if stale:
        say(f"{len(stale)} of {len(names)} reports do not follow from their records: `bench report {' '.join(stale)}`")
        sys.exit(ExitCode.CHECK_FAILED)


def _writer(name: str, results_dir: Path, convention: Convention) -> Callable[[Path], Path]:
    """What renders a report, of records that are read here."""
    from functools import partial

    if name.startswith(PREFIX):
        from bench.render.adapt_report import write_adaptation

        return partial(write_adaptation, _adaptation(name.removeprefix(PREFIX), results_dir))
    from bench.judge.adapted_from import adaptations_from
    from bench.render.report import write_report

    study, adaptations = _study(name, results_dir, convention), adaptations_from(name, results_dir)
    return partial(write_report, study, adaptations=adaptations)


def render_sweep(name: str, results_dir: Path, reports_dir: Path, convention: Convention = "macs") -> None:
    """Print the front of one sweep and write its report.

    Raises:
        UserError: the sweep has no records, or no whole set of them.
    """
    from bench.render.terminal import print_front

    study = _study(name, results_dir, convention)
    print_front(study)
    _write_sweep(study, results_dir, reports_dir)


def _write_sweep(study: Study, results_dir: Path, reports_dir: Path) -> None:
    from bench.judge.adapted_from import adaptations_from
    from bench.predictions import Predictions
    from bench.render.report import write_report

    page = write_report(
        study, reports_dir, Predictions(results_dir, study.name), adaptations_from(study.name, results_dir)
    )  # fmt: skip
    say(f"report: {page} and {page.with_name('README.md')}")


def _study(name: str, results_dir: Path, convention: Convention) -> Study:
    from bench.confusions import Confusions
    from bench.judge.study import make_study
    from bench.store import Store

    store = Store(results_dir)
    return make_study(
        name, store.read_known(name), store.read_plan(name), convention, Confusions(results_dir, name),
        store.chosen_by(name), store.read(),
    )  # fmt: skip


def render_adaptation(name: str, results_dir: Path, reports_dir: Path) -> None:
    """Print what an adaptation found and write its report.

    Raises:
        UserError: there is no such adaptation, nothing of it has ended, or the folder cannot be written.
    """
    from bench.render.adapt_report import write_adaptation
    from bench.render.adapt_terminal import print_adaptation

    adaptation = _adaptation(name, results_dir)
    print_adaptation(adaptation)
    page = write_adaptation(adaptation, reports_dir)
    say(f"report: {page} and {page.with_name('README.md')}")


def renew_sweeps_behind(name: str, results_dir: Path, reports_dir: Path) -> None:
    """Write the pages anew of sweeps that an adaptation starts from, for they show it; those that are there.

    What is wrong with one of these sweeps is said, and stops nothing.
    """
    from bench.errors import UserError
    from bench.judge.adapted_from import sweeps_behind

    for sweep in sweeps_behind(name, results_dir):
        if (reports_dir / sweep).is_dir():
            try:
                _write_sweep(_study(sweep, results_dir, "macs"), results_dir, reports_dir)
            except UserError as error:
                say(f"the page of {sweep} does not show {name} yet: {error}")


def _adaptation(name: str, results_dir: Path) -> Adaptation:
    from bench.judge.adaptation import load_adaptation

    return load_adaptation(adaptations_in(results_dir), name)
