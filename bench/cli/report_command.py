"""`bench report`: results/ -> reports/."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.options import reports_option, results_option
from bench.cli.say import say
from bench.metrics import Convention


@click.command()
@click.argument("sweeps", nargs=-1)
@click.option("--flops", is_flag=True, help="Say FLOPs at 2 per MAC in place of MACs.")
@results_option
@reports_option
def command(sweeps: tuple[str, ...], flops: bool, results_dir: Path, reports_dir: Path) -> None:
    """Render the pages and figures of SWEEPS (default: all) from the records alone.

    \b
    bench report
    bench report camvid
    bench report camvid --flops --reports pages_in_flops
    """
    from bench.errors import UserError
    from bench.store import Store

    names = sweeps or tuple(Store(results_dir).sweeps())
    if not names:
        raise UserError(f"{results_dir} holds no records. Run `bench sweep` first.")
    for name in names:
        render_sweep(name, results_dir, reports_dir, "flops" if flops else "macs")


def render_sweep(name: str, results_dir: Path, reports_dir: Path, convention: Convention = "macs") -> None:
    """Print the front of one sweep and write its report.

    Raises:
        UserError: the sweep has no records, or no whole set of them.
    """
    from bench.confusions import Confusions
    from bench.judge.study import make_study
    from bench.render.report import write_report
    from bench.render.terminal import print_front
    from bench.store import Store

    store = Store(results_dir)
    study = make_study(
        name, store.read_known(name), store.read_plan(name), convention, Confusions(results_dir, name),
        store.chosen_by(name),
    )  # fmt: skip
    print_front(study)
    page = write_report(study, reports_dir)
    say(f"report: {page} and {page.with_name('README.md')}")
