"""The latency guard's findings as text for a terminal or the log of a CI run: no line is broken."""

from __future__ import annotations

from bench.judge.latency_guard import LatencyGuardReport
from bench.render.latency_guard_words import STATE_WORDS, headline, sentences, setting_words, title


def latency_guard_table(report: LatencyGuardReport) -> str:
    """The verdict, with what it was measured, and a block a variant, the worst first."""
    blocks = [f"{title(report)}: {headline(report)}", "\n".join(setting_words(report))]
    for variant in report.variants:
        lines = [f"  {line}" for line in sentences(variant)]
        blocks.append("\n".join([f"{STATE_WORDS[variant.state]}  {variant.name}", *lines]))
    return "\n\n".join(blocks) + "\n"
