"""The formats of the guard, by name."""

from __future__ import annotations

from collections.abc import Callable

from bench.guard.cost_comparison import GuardReport
from bench.guard.render.cost.github import guard_github
from bench.guard.render.cost.json_format import guard_json
from bench.guard.render.cost.junit import guard_junit
from bench.guard.render.cost.markdown import guard_markdown
from bench.guard.render.cost.table import guard_table

FORMATS: dict[str, Callable[[GuardReport], str]] = {
    "table": guard_table,
    "json": guard_json,
    "junit": guard_junit,
    "github": guard_github,
    "markdown": guard_markdown,
}
