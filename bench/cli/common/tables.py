"""Plain tables in the terminal: text at the left, numbers at the right."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_UNASKED = 150
"""Columns in a file or a pipe, where neither a terminal nor the variable COLUMNS says how many."""


def make_console() -> Console:
    """A console on stdout that breaks no line of a file."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(highlight=False, width=_UNASKED)
    return console


def make_table(text: str, *numbers: str) -> Table:
    """A table with a column of text and columns of numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(text, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table
