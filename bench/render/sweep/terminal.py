"""The front as a table in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from bench.analysis.study import Study
from bench.render.sweep.text import spread_words, warning_lines
from bench.render.tables import result_table

_NARROWEST = 110
"""Columns that keep each variant on one line."""
_UNASKED = 150
"""Columns in a file or a pipe, where there is no terminal to ask."""


def print_front(study: Study, console: Console | None = None) -> None:
    """Print the result table: variants on a front bold, the others dim."""
    console = console or Console()
    if not console.is_terminal:
        console = Console(width=_UNASKED, file=console.file)
    data = result_table(study)
    table = Table(title=f"{study.name}: accuracy against cost", title_justify="left", title_style="bold")
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("variant", no_wrap=console.width >= _NARROWEST, overflow="fold")
    for heading in data.headings:
        table.add_column(heading, justify="right", overflow="fold")
    table.add_column("front of")
    for row in data.rows:
        style = "bold" if row.front else "dim"
        table.add_row(str(row.number), row.label, *row.cells, ", ".join(row.front), style=style)
    console.print(table)
    console.print(spread_words(study), highlight=False)
    for line in warning_lines(study):
        console.print(line, style="yellow", highlight=False, markup=False)
