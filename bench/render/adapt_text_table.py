"""A table of an adaptation's page, as text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TextTable:
    """head: of all columns. texts: how many columns at the left hold text."""

    head: list[str]
    rows: list[list[str]]
    texts: int = 2
