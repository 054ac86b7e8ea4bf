"""The guard's findings as annotations of a GitHub workflow, a line each.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions; escapes as in its toolkit's command.ts.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Literal

from bench.judge.cost_guard import GuardedVariant, GuardReport
from bench.render.guard_words import STATE_WORDS, headline, next_steps, sentences, title

Level = Literal["error", "warning", "notice"]
_MOST = 10
"""Annotations of a level that GitHub shows of one step; the rest it drops without a word."""


def guard_github(report: GuardReport) -> str:
    """Errors for what fails, warnings for growth that is allowed, notices for the rest; the verdict is last."""
    found: dict[Level, list[tuple[str, str]]] = defaultdict(list)
    for space in report.spaces:
        for variant in space.variants:
            if variant.state != "same":
                heading = f"{space.space}: {variant.name}: {STATE_WORDS[variant.state]}"
                found[_level(variant, report)].append((heading, "\n".join(sentences(variant))))
    failed = report.fails or report.is_empty
    verdict = (f"bench guard: {title(report)}", "\n".join([headline(report), *next_steps(report)]))
    found["error" if failed else "notice"].insert(0, verdict)
    levels: tuple[Level, ...] = ("error", "warning", "notice")
    lines = [annotation(level, *one) for level in levels for one in _at_most(found[level])]
    return "\n".join(lines) + "\n"


def annotation(level: Level, heading: str, message: str) -> str:
    """One workflow command."""
    return f"::{level} title={_escape_property(heading)}::{_escape(message)}"


def _level(variant: GuardedVariant, report: GuardReport) -> Level:
    if variant.fails and not (report.accepted and variant.state == "grew"):
        return "error"
    return "warning" if variant.state == "within" else "notice"


def _at_most(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    if len(found) <= _MOST:
        return found
    rest = found[_MOST - 1 :]
    return [*found[: _MOST - 1], (f"and {len(rest)} more", "\n".join(heading for heading, _ in rest))]


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
