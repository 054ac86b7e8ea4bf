"""The guard's findings as text for a terminal or the log of a CI run: no line is broken, so that it can be searched."""

from __future__ import annotations

from bench.guard.cost_comparison import Change, GuardedVariant, GuardReport, SpaceGuard
from bench.guard.render.cost.text import (
    STATE_WORDS,
    cost_words,
    fault_words,
    headline,
    hidden_words,
    shown_difference,
    shown_pair,
    shown_percent,
    shown_places,
    space_line,
    title,
)
from bench.metrics import CONVENTION_WORDS, METRICS

_MOST = 200
"""Variants of a space that are shown; the worst come first."""
_HEAD = ("", "before", "now", "difference", "", "where")


def guard_table(report: GuardReport) -> str:
    """The verdict, and a block a variant that differs."""
    blocks = [f"{title(report)}: {headline(report)}", *(_space(space, report.against) for space in report.spaces)]
    changes = [change for space in report.spaces for variant in space.variants for change in variant.changes]
    if any(change.metric == "macs" for change in changes):
        blocks.append(CONVENTION_WORDS["macs"])
    return "\n\n".join(blocks) + "\n"


def _space(space: SpaceGuard, against: str) -> str:
    shown = [variant for variant in space.variants if variant.state != "same"]
    rows = [_cells(change) for variant in shown[:_MOST] for change in variant.changes]
    widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
    lines = [space_line(space), *(f"  note: {note}" for note in space.notes)]
    lines += [f"  BASELINE  {fault_words(fault, space, against)}" for fault in space.faults]
    if rows:
        lines += ["", _line(_HEAD, widths)]
    for variant in shown[:_MOST]:
        lines += _variant(variant, widths)
    if len(shown) > _MOST:
        lines.append(f"  and {len(shown) - _MOST} more variants: --format json has all")
    return "\n".join(lines)


def _variant(variant: GuardedVariant, widths: list[int]) -> list[str]:
    lines = [f"  {STATE_WORDS[variant.state]}  {variant.name}"]
    lines += [_line(_cells(change), widths) for change in variant.changes]
    lines += [f"    {hidden_words(hidden)}" for hidden in variant.hidden]
    if variant.reason:
        lines.append(f"    {variant.reason}")
    if variant.state == "new":
        lines.append(f"    {cost_words(variant)}")
    return lines


def _cells(change: Change) -> tuple[str, ...]:
    before, now = shown_pair(change)
    allowed = f" (allowed {float(change.allowed):g} %)" if change.verdict == "within" else ""
    return (
        METRICS[change.metric].label,
        before,
        now,
        shown_difference(change),
        shown_percent(change) + allowed,
        shown_places(change),
    )


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    label, *numbers, where = cells
    aligned = [f"{cell:>{width}}" for cell, width in zip(numbers, widths[1:-1], strict=True)]
    return "    " + "  ".join([f"{label:{widths[0]}}", *aligned, where]).rstrip()
