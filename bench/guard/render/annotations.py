"""Annotations of a GitHub workflow, a line each.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions; escapes as in its toolkit's command.ts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

Level = Literal["error", "warning", "notice"]
_LEVELS: tuple[Level, ...] = ("error", "warning", "notice")
_MOST = 10
"""Annotations of a level that GitHub shows of one step; the rest it drops without a word."""


def workflow_commands(found: Iterable[tuple[Level, str, str]]) -> str:
    """Commands for (level, heading, message), the gravest level first."""
    by_level: dict[Level, list[tuple[str, str]]] = defaultdict(list)
    for level, heading, message in found:
        by_level[level].append((heading, message))
    lines = [_annotation(level, *one) for level in _LEVELS for one in _at_most(by_level[level])]
    return "\n".join(lines) + "\n"


def _annotation(level: Level, heading: str, message: str) -> str:
    """One workflow command."""
    return f"::{level} title={_escape_property(heading)}::{_escape(message)}"


def _at_most(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    if len(found) <= _MOST:
        return found
    rest = found[_MOST - 1 :]
    return [*found[: _MOST - 1], (f"and {len(rest)} more", "\n".join(heading for heading, _ in rest))]


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
