"""`bench report`: results/ -> reports/, of sweeps and adaptations."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.common.options import reports_option, results_option
from bench.cli.common.output import say
from bench.cli.guard.front_changes import compare_fronts, reference
from bench.metrics import Convention
from bench.storage.store import PREFIX, adaptations_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.adapt.analysis.adaptation import Adaptation
    from bench.analysis.study import Study
    from bench.render.sweep.report import Excerpt


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
    from bench.storage.store import Store

    adaptations = (f"{PREFIX}{name}" for name in adaptations_in(results_dir).sweeps())
    return (*Store(results_dir).sweeps(), *adaptations)


def _check(names: tuple[str, ...], results_dir: Path, reports_dir: Path, convention: Convention) -> None:
    from bench.errors import ExitCode
    from bench.render.freshness import stale_files

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
        from bench.adapt.render.report import write_adaptation

        return partial(write_adaptation, _adaptation(name.removeprefix(PREFIX), results_dir))
    from bench.render.sweep.report import write_report

    return partial(write_report, _study(name, results_dir, convention), excerpts=_excerpts(name, results_dir))


def render_sweep(name: str, results_dir: Path, reports_dir: Path, convention: Convention = "macs") -> None:
    """Print the front of one sweep and write its report.

    Raises:
        UserError: the sweep has no records, or no whole set of them.
    """
    from bench.render.sweep.terminal import print_front

    study = _study(name, results_dir, convention)
    print_front(study)
    _write_sweep(study, results_dir, reports_dir)


def _write_sweep(study: Study, results_dir: Path, reports_dir: Path) -> None:
    from bench.render.sweep.report import write_report
    from bench.storage.predictions import Predictions

    predictions = Predictions(results_dir, study.name)
    page = write_report(study, reports_dir, predictions, _excerpts(study.name, results_dir))
    say(f"report: {page} and {page.with_name('README.md')}")


def _excerpts(sweep: str, results_dir: Path) -> list[Excerpt]:
    """Of the adaptations that start from trainings of the sweep."""
    from functools import partial

    from bench.adapt.analysis.origin import adaptations_from
    from bench.adapt.render.excerpt import save_excerpt

    return [partial(save_excerpt, adaptation) for adaptation in adaptations_from(sweep, results_dir)]


def _study(name: str, results_dir: Path, convention: Convention) -> Study:
    from bench.analysis.study import make_study
    from bench.storage.confusions import Confusions
    from bench.storage.store import Store

    store = Store(results_dir)
    return make_study(
        name,
        store.read_known(name),
        plan=store.read_plan(name),
        convention=convention,
        confusions=Confusions(results_dir, name),
        chosen_by=store.chosen_by(name),
        others=store.read(),
    )


def render_adaptation(name: str, results_dir: Path, reports_dir: Path) -> None:
    """Print what an adaptation found and write its report.

    Raises:
        UserError: there is no such adaptation, nothing of it has ended, or the folder cannot be written.
    """
    from bench.adapt.render.report import write_adaptation
    from bench.adapt.render.terminal import print_adaptation

    adaptation = _adaptation(name, results_dir)
    print_adaptation(adaptation)
    page = write_adaptation(adaptation, reports_dir)
    say(f"report: {page} and {page.with_name('README.md')}")


def renew_sweeps_behind(name: str, results_dir: Path, reports_dir: Path) -> None:
    """Write the pages anew of sweeps that an adaptation starts from, for they show it; those that are there.

    What is wrong with one of these sweeps is said, and stops nothing.
    """
    from bench.adapt.analysis.origin import sweeps_behind
    from bench.errors import UserError

    for sweep in sweeps_behind(name, results_dir):
        if (reports_dir / sweep).is_dir():
            try:
                _write_sweep(_study(sweep, results_dir, "macs"), results_dir, reports_dir)
            except UserError as error:
                say(f"the page of {sweep} does not show {name} yet: {error}")


def _adaptation(name: str, results_dir: Path) -> Adaptation:
    from bench.adapt.analysis.adaptation import load_adaptation

    return load_adaptation(adaptations_in(results_dir), name)
