"""The guard's findings as Markdown, for the summary of a CI run or a comment."""

from __future__ import annotations

from bench.guard.cost_comparison import Change, GuardedVariant, GuardReport, SpaceGuard
from bench.guard.render.cost.text import (
    STATE_WORDS,
    fault_words,
    headline,
    next_steps,
    sentences,
    shown_difference,
    shown_pair,
    shown_percent,
    shown_places,
    space_line,
    title,
)
from bench.metrics import CONVENTION_WORDS, METRICS
from bench.render.document_markdown import code, escape, markdown_rows

_MOST = 100
"""Variants of a space that are shown: a summary on GitHub holds a megabyte, a comment 65,536 characters."""
_HEAD = ["variant", "", "figure", "before", "now", "difference", "%", "where"]
_ALIGN = [":--", ":--", ":--", "--:", "--:", "--:", "--:", ":--"]


def guard_markdown(report: GuardReport) -> str:
    """The verdict, what to do next, and a table a space."""
    verdict = title(report)
    parts = [f"## {verdict[0].upper()}{verdict[1:]}", headline(report)]
    steps = next_steps(report)
    if steps:
        parts.append("\n".join(f"- {step}" for step in steps))
    for space in report.spaces:
        parts += _space(space, report.against)
    return "\n\n".join(parts) + "\n"


def _space(space: SpaceGuard, against: str) -> list[str]:
    differing = [variant for variant in space.variants if variant.state != "same"]
    shown = differing[:_MOST]
    parts = [f"**{escape(space_line(space))}**", *(escape(note) for note in space.notes)]
    if space.faults:
        parts.append("\n".join(f"- baseline: {escape(fault_words(fault, space, against))}" for fault in space.faults))
    rows = [row for variant in shown for row in _rows(variant)]
    if rows:
        parts.append(markdown_rows(_HEAD, _ALIGN, rows))
    facts = [f"- {code(v.name)} ({STATE_WORDS[v.state]}): {escape(fact)}" for v in shown for fact in _facts(v)]
    if facts:
        parts.append("\n".join(facts))
    if len(differing) > _MOST:
        parts.append(f"And {len(differing) - _MOST} more variants: `--format json` has all.")
    if any(change.metric == "macs" for variant in shown for change in variant.changes):
        parts.append(CONVENTION_WORDS["macs"])
    return parts


def _rows(variant: GuardedVariant) -> list[list[str]]:
    """A row a figure; the name stands in each, so that a row can be quoted alone."""
    return [[code(variant.name), *_cells(change)] for change in variant.changes]


def _cells(change: Change) -> list[str]:
    before, now = shown_pair(change)
    verdict = f"**{STATE_WORDS['grew']}**" if change.verdict == "grew" else STATE_WORDS[change.verdict]
    if change.verdict == "within":
        verdict += f" ({float(change.allowed):g} %)"
    percent = escape(shown_percent(change)).removesuffix(" %")
    figures = [before, now, shown_difference(change), percent, escape(shown_places(change))]
    return [verdict, METRICS[change.metric].label, *figures]


def _facts(variant: GuardedVariant) -> list[str]:
    """What is no changed figure."""
    lines = sentences(variant)
    first = 1 if variant.reason else 0
    return lines[:first] + lines[first + len(variant.changes) :]
