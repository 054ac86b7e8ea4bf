"""The latency guard's findings as Markdown, for the summary of a CI run or a comment."""

from __future__ import annotations

from bench.guard.latency_report import JudgedVariant, LatencyGuardReport
from bench.guard.render.latency.text import (
    STATE_WORDS,
    change_words,
    headline,
    next_steps,
    rate_words,
    ratio_figures,
    sentences,
    setting_words,
    signed,
    title,
)
from bench.render.document_markdown import code, escape, markdown_rows

_MOST = 100
"""Variants that are shown: a summary on GitHub holds a megabyte, a comment 65,536 characters."""
_HEAD = [
    "variant",
    "",
    "head against base",
    "slower above",
    "false alarms",
    "would have seen",
    "base against itself",
    "base (ms)",
    "head (ms)",
    "restarts",
    "cycles",
]
_ALIGN = [":--", ":--", ":--", *["--:"] * 8]
_CAVEAT = (
    "False alarms: how often equal code comes out above the limit in jobs like this one. Would have seen: in "
    "95 of 100. Compare the ratio, not the times."
)


def latency_guard_markdown(report: LatencyGuardReport) -> str:
    """The verdict, what to do next, and a row a variant."""
    verdict = title(report)
    parts = [f"## {verdict[0].upper()}{verdict[1:]}", escape(headline(report))]
    steps = next_steps(report)
    if steps:
        parts.append("\n".join(f"- {escape(step)}" for step in steps))
    shown = report.variants[:_MOST]
    if shown:
        parts.append(markdown_rows(_HEAD, _ALIGN, [_cells(variant) for variant in shown]))
    facts = [f"- {code(v.name)}: {escape(sentences(v)[0])}" for v in shown if v.reason]
    if facts:
        parts.append("\n".join(facts))
    if len(report.variants) > _MOST:
        parts.append(f"And {len(report.variants) - _MOST} more variants: `--format json` has all.")
    parts.append(_CAVEAT)
    parts.append("\n".join(f"- {escape(line)}" for line in setting_words(report)))
    return "\n\n".join(parts) + "\n"


def _cells(variant: JudgedVariant) -> list[str]:
    state = STATE_WORDS[variant.state]
    head = [code(variant.name), f"**{state}**" if variant.fails else state]
    verdict = variant.verdict
    if verdict is None:
        return [*head, *["–"] * (len(_HEAD) - len(head))]
    return [
        *head,
        change_words(verdict),
        signed(verdict.limit),
        escape(rate_words(verdict.false_alarms)),
        signed(verdict.seen),
        ratio_figures(verdict.same),
        f"{verdict.base_ms:.1f}",
        f"{verdict.head_ms:.1f}",
        str(verdict.restarts),
        str(verdict.cycles),
    ]
