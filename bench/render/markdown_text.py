"""Pieces of Markdown whose text may hold anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_rows(head: Sequence[str], align: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; `align` holds `:--` or `--:` a column."""
    return "\n".join(_row(cells) for cells in (head, align, *rows))


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def code(text: str) -> str:
    """A name, as it is."""
    quoted = f"`` {text} ``" if "`" in text else f"`{text}`"
    return quoted.replace("|", "\\|")


def escape(text: str) -> str:
    """Text of a cell or line: names of operators hold underscores."""
    for character in ("\\", "|", "_", "*", "<"):
        text = text.replace(character, f"\\{character}")
    return text
