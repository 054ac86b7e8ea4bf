"""The formats of the latency guard, by the names that the cost guard's have; two of them are made here."""

from __future__ import annotations

from collections.abc import Callable

from bench.guard.latency_report import LatencyGuardReport, State
from bench.guard.render.annotations import Level, workflow_commands
from bench.guard.render.latency.json_format import latency_guard_json
from bench.guard.render.latency.junit import latency_guard_junit
from bench.guard.render.latency.markdown import latency_guard_markdown
from bench.guard.render.latency.text import STATE_WORDS, headline, next_steps, sentences, setting_words, title

_LEVELS: dict[State, Level] = {
    "broken": "error",
    "regressed": "error",
    "refused": "error",
    "unclear": "warning",
}


def latency_guard_github(report: LatencyGuardReport) -> str:
    """Errors for what fails, warnings where nobody can tell, notices for the rest; the verdict leads its level."""
    words = "\n".join([headline(report), *setting_words(report), *next_steps(report)])
    level: Level = "error" if report.fails or report.count("refused") else "warning" if report.cannot_tell else "notice"
    found: list[tuple[Level, str, str]] = [(level, f"bench guard: {title(report)}", words)]
    for variant in report.variants:
        heading = f"{variant.name}: {STATE_WORDS[variant.state]}"
        found.append((_LEVELS.get(variant.state, "notice"), heading, "\n".join(sentences(variant))))
    return workflow_commands(found)


def latency_guard_table(report: LatencyGuardReport) -> str:
    """The verdict, with what it was measured, and a block a variant, the worst first."""
    blocks = [f"{title(report)}: {headline(report)}", "\n".join(setting_words(report))]
    for variant in report.variants:
        lines = [f"  {line}" for line in sentences(variant)]
        blocks.append("\n".join([f"{STATE_WORDS[variant.state]}  {variant.name}", *lines]))
    return "\n\n".join(blocks) + "\n"


LATENCY_FORMATS: dict[str, Callable[[LatencyGuardReport], str]] = {
    "table": latency_guard_table,
    "json": latency_guard_json,
    "junit": latency_guard_junit,
    "github": latency_guard_github,
    "markdown": latency_guard_markdown,
}
