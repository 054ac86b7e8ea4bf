"""The formats of the latency guard, by the names that the cost guard's have."""

from __future__ import annotations

from collections.abc import Callable

from bench.judge.latency_guard import LatencyGuardReport
from bench.render.latency_guard_github import latency_guard_github
from bench.render.latency_guard_json import latency_guard_json
from bench.render.latency_guard_junit import latency_guard_junit
from bench.render.latency_guard_markdown import latency_guard_markdown
from bench.render.latency_guard_table import latency_guard_table

LATENCY_FORMATS: dict[str, Callable[[LatencyGuardReport], str]] = {
    "table": latency_guard_table, "json": latency_guard_json, "junit": latency_guard_junit,
    "github": latency_guard_github, "markdown": latency_guard_markdown,
}  # fmt: skip
