"""Which records a report shows: those of the newest plan, and no others on the same axes.

A key holds variant, code, setting, and for a latency machine and versions. So what one plan names
differs only in variant and repeat, and older settings, code or machines stay off its axes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.storage.records import Record


@dataclass(frozen=True, kw_only=True)
class Selection:
    """`shown` were measured as planned; `failed` and `paused` have no number; `left_out` is not in the plan."""

    shown: list[Record]
    failed: list[Record]
    paused: list[Record]
    """Trainings that stand at an epoch before their last."""
    missing: int
    """Planned cells without a record: the sweep was stopped."""
    left_out: Counter[str]
    """By group: records of another setting, machine, code, or of variants that are gone."""


def select(records: Sequence[Record], plan: Sequence[str]) -> Selection:
    """Take the records of the planned keys; of several with one key, the settled one."""
    settled = settle(records)
    chosen = [settled[key] for key in dict.fromkeys(plan) if key in settled]
    planned = set(plan)
    return Selection(
        shown=[r for r in chosen if r.status == "ok"],
        failed=[r for r in chosen if r.status == "failed"],
        paused=[r for r in chosen if r.status == "paused"],
        missing=len(planned) - len(chosen),
        left_out=Counter(r.group for r in records if r.key not in planned and r.status == "ok"),
    )


def settle(records: Sequence[Record]) -> dict[str, Record]:
    """One record a key: a success before any failure, then the newest."""
    ordered = sorted(records, key=lambda r: (r.status == "ok", r.started))
    return {r.key: r for r in ordered}
