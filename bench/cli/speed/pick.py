"""`bench speed pick`: time and memory of a pick against the number of records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.common.output import say
from bench.cli.common.tables import make_console, make_table
from bench.cli.speed.promise import verdict

if TYPE_CHECKING:
    from bench.speed.pick import Cost, ScaleTime

_AT_MOST_SECONDS = 10.0


def run_pick(sweep: str, results_dir: Path, sizes: Sequence[int], plain_up_to: int, with_matrices: bool) -> bool:
    """Measure and print; whether packed picks took as long as promised at most, with the answers of plain ones.

    Raises:
        UserError: no such sweep, or a command failed.
    """
    from bench.pack.query import check_duckdb
    from bench.speed.pick import time_scale
    from bench.speed.synthetic_records import likeness_of

    check_duckdb()
    like = likeness_of(results_dir, sweep, with_matrices)
    times = [time_scale(like, records, records <= plain_up_to, say) for records in sorted(set(sizes))]
    _print(times)
    click.echo(
        f"synthetic records, shaped like those of {sweep}{', each training with matrices' if with_matrices else ''}; "
        f"each command in its own process; plain: record by record, left out above {plain_up_to} records; "
        "ratio: of seconds and of memory, plain to packed"
    )
    slowest = max(pick.packed.seconds for scale in times for pick in scale.picks)
    alike = all(pick.is_equal is not False for scale in times for pick in scale.picks)
    click.echo(
        f"slowest packed pick {slowest:.1f} s; promised {_AT_MOST_SECONDS:g} s, and the same answers: "
        f"{verdict(fine := alike and slowest <= _AT_MOST_SECONDS)}"
    )
    return fine


def _print(times: Sequence[ScaleTime]) -> None:
    table = make_table(
        "records",
        "JSON lines\n(MB)",
        "Parquet\n(MB)",
        "pack\n(s, MB)",
        "pick",
        "packed\n(s, MB)",
        "plain\n(s, MB)",
        "ratio",
        "answers",
    )
    for scale in times:
        for pick in scale.picks:
            ratio = (
                f"{pick.plain.seconds / pick.packed.seconds:.1f}, {pick.plain.memory / pick.packed.memory:.1f}"
                if pick.plain
                else "–"
            )
            words = {True: "equal", False: "DIFFER", None: "–"}[pick.is_equal]
            table.add_row(
                f"{scale.records:,}",
                f"{scale.jsonl / 1e6:.0f}",
                f"{scale.parquet / 1e6:.0f}",
                _words(scale.pack),
                pick.query,
                _words(pick.packed),
                _words(pick.plain),
                ratio,
                words,
            )
    make_console().print(table)


def _words(cost: Cost | None) -> str:
    return f"{cost.seconds:.1f}, {cost.memory / 1e6:.0f}" if cost else "–"
