"""The formats of the guard, by name."""

from __future__ import annotations

from collections.abc import Callable

from bench.judge.cost_guard import GuardReport
from bench.render.guard_github import guard_github
from bench.render.guard_json import guard_json
from bench.render.guard_junit import guard_junit
from bench.render.guard_markdown import guard_markdown
from bench.render.guard_table import guard_table

FORMATS: dict[str, Callable[[GuardReport], str]] = {
    "table": guard_table, "json": guard_json, "junit": guard_junit, "github": guard_github,
    "markdown": guard_markdown,
}  # fmt: skip
