"""The latency guard's findings as annotations of a GitHub workflow."""

from __future__ import annotations

from bench.judge.latency_guard import LatencyGuardReport, State
from bench.render.github_annotations import Level, workflow_commands
from bench.render.latency_guard_words import STATE_WORDS, headline, next_steps, sentences, setting_words, title

_LEVELS: dict[State, Level] = {
    "broken": "error", "regressed": "error", "refused": "error", "unclear": "warning",
}  # fmt: skip


def latency_guard_github(report: LatencyGuardReport) -> str:
    """Errors for what fails, warnings where nobody can tell, notices for the rest; the verdict leads its level."""
    words = "\n".join([headline(report), *setting_words(report), *next_steps(report)])
    level: Level = "error" if report.fails or report.count("refused") else "warning" if report.cannot_tell else "notice"
    found: list[tuple[Level, str, str]] = [(level, f"bench guard: {title(report)}", words)]
    for variant in report.variants:
        heading = f"{variant.name}: {STATE_WORDS[variant.state]}"
        found.append((_LEVELS.get(variant.state, "notice"), heading, "\n".join(sentences(variant))))
    return workflow_commands(found)
