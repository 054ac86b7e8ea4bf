"""`bench pack`: the records as Parquet, for picks among very many."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.common.options import results_option
from bench.cli.common.output import say


@click.command()
@results_option
def command(results_dir: Path) -> None:
    """Pack the records of all sweeps and machines into Parquet, for `bench pick --packed`.

    The pack lies in RESULTS/.packed and may be deleted at any time. Files of records that did not change are not packed
    again. Its Parquet files are open to any tool: one row a record, a column a metric.

    \b
    bench pack
    bench pick camvid --miou ">=0.65" --packed
    """
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from bench.pack.write import pack_results

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("packing", total=None)
        packed = pack_results(results_dir, lambda count: progress.advance(task, count))
    places = f"{_of(packed.sweeps, 'sweep')} and {_of(packed.machines, 'machine')}"
    click.echo(
        f"packed {_of(packed.records, 'record')} of {places}: "
        f"{packed.jsonl_bytes / 1e6:.1f} MB of records as {packed.parquet_bytes / 1e6:.1f} MB of Parquet"
    )
    if packed.trainings:
        click.echo(f"draws over the images of {packed.trainings} trainings: {packed.images_bytes / 1e6:.1f} MB")
    say(f"{packed.anew} records packed anew, {packed.records - packed.anew} as before; in {results_dir}/.packed")


def _of(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
