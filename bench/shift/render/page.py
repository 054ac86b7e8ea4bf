"""The page of a measured shift: README.md beside its pictures, which GitHub shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.render.document_markdown import escape, markdown_rows
from bench.shift.render.text import (
    CHANNEL_HEAD,
    FARTHEST_HEAD,
    STEP_HEAD,
    channel_rows,
    conclusion,
    farthest_rows,
    method_lines,
    step_rows,
)
from bench.shift.result import ShiftReport

SHEET = "pictures.jpg"


def shift_page(report: ShiftReport, command: str) -> str:
    """Markdown text.

    Args:
        command: that measured it.
    """
    parts = [
        f"# How far {escape(report.target)} is from {escape(report.source)}",
        "\n".join(f"- {escape(line)}" for line in conclusion(report)),
        _table(STEP_HEAD, step_rows(report)),
        "![Distance after each step, and of each image](shift.png)",
        f"![New images as they are and after each step, beside training images]({SHEET})",
        _table(CHANNEL_HEAD, channel_rows(report)),
        _table(FARTHEST_HEAD, farthest_rows(report)),
        "\n\n".join(line[0].upper() + escape(line[1:]) for line in method_lines(report)),
        f"    {command}",
    ]
    return "\n\n".join(parts) + "\n"


def save_page(report: ShiftReport, command: str, folder: Path) -> None:
    """Write README.md into a folder that is there."""
    (folder / "README.md").write_text(shift_page(report, command), encoding="utf-8")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    align = [":--", *["--:"] * (len(head) - 1)]
    return markdown_rows([title.replace("\n", " ") for title in head], align, [tuple(map(escape, row)) for row in rows])
