"""An adaptation in the terminal: the curves as a table, and what the next labels are worth."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from bench.adapt.analysis.adaptation import Adaptation
from bench.adapt.render.step_times import NOT_TIMED, step_time_table
from bench.adapt.render.tables import curve_table, missing_words
from bench.adapt.render.text import Names, arm_lines, step_lines, worth_lines
from bench.render.document import TextTable

_UNASKED = 150
"""Columns in a file or a pipe, where there is no terminal to ask."""


def print_adaptation(adaptation: Adaptation, console: Console | None = None) -> None:
    """Print it: mIoU in per cent with intervals, then sentences."""
    console = console or Console()
    if not console.is_terminal:
        console = Console(width=_UNASKED, file=console.file)
    names = Names(adaptation)
    title = f"{adaptation.name}: mIoU val (%) by labelled images, with 95 % interval"
    console.print(_table(title, curve_table(adaptation, names)), highlight=False)
    for name, gains, end in worth_lines(adaptation, names):
        _say(console, f"{name}: {end}", style="bold")
        for gain in gains:
            _say(console, f"  {gain}")
    for name, words in (*arm_lines(adaptation, names), *step_lines(adaptation, names)):
        _say(console, f"{name}: {words}")
    if adaptation.timings:
        (setting, *_) = dict.fromkeys(record.words["setting"] for record in adaptation.timings)
        times = step_time_table(adaptation, names.variants)
        console.print(_table(f"what steps take (ms): {setting}", times), highlight=False)
    elif adaptation.clocked_steps:
        _say(console, NOT_TIMED)
    for line in missing_words(adaptation):
        _say(console, line, style="yellow")


def _table(title: str, data: TextTable) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for place, heading in enumerate(data.head):
        if place < data.texts:
            table.add_column(heading, overflow="fold")
        else:
            table.add_column(heading, justify="right")
    for row in data.rows:
        table.add_row(*row[: data.texts], *(cell.replace(" (", "\n(") for cell in row[data.texts :]))
    return table


def _say(console: Console, line: str, style: str | None = None) -> None:
    console.print(line, style=style, highlight=False, markup=False)
