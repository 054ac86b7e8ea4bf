"""What a latency guard found: variants of head against those of base, in the order of reading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from bench.guard.latency_verdict import Rule, Verdict
from bench.settings.latency import LatencySetting

State = Literal["broken", "regressed", "refused", "unclear", "improved", "new", "unchanged"]
STATES: tuple[State, ...] = ("broken", "regressed", "refused", "unclear", "improved", "new", "unchanged")
"""The worst first."""
FAILING: frozenset[State] = frozenset(("broken", "regressed"))


@dataclass(frozen=True, kw_only=True)
class JudgedVariant:
    """A variant with its verdict; or without one, and why.

    state: of the verdict; broken: head does not run it, base does; new: the other way round; refused: both say that
    there is no such variant; unclear without a verdict: neither runs it, or one was ended from outside.
    """

    name: str
    state: State
    verdict: Verdict | None = None
    reason: str = ""

    @property
    def fails(self) -> bool:
        return self.state in FAILING


@dataclass(frozen=True, kw_only=True)
class LatencyGuardReport:
    """What the guard found.

    base, head: revision as it was asked for, with its commit. setting: of what was timed. doubts: why the job as a
    whole is to be mistrusted, in words. machine, versions: as in records. seconds: that the job took. notes: what a
    reader should know, in words. same_code: base and head are the same code, so that nothing was measured.
    """

    base: str
    head: str
    setting: LatencySetting
    rule: Rule
    variants: tuple[JudgedVariant, ...]
    doubts: tuple[str, ...]
    machine: dict[str, Any]
    versions: dict[str, str]
    seconds: float
    notes: tuple[str, ...] = ()
    same_code: bool = False

    def count(self, state: State) -> int:
        return sum(variant.state == state for variant in self.variants)

    @property
    def compared(self) -> int:
        """Variants with a verdict that says something."""
        return sum(variant.state in ("regressed", "improved", "unchanged") for variant in self.variants)

    @property
    def fails(self) -> bool:
        """Whether a variant regressed or broke."""
        return any(variant.fails for variant in self.variants)

    @property
    def cannot_tell(self) -> bool:
        """Whether nothing was compared, or the noise hid a variant's answer."""
        return not self.compared or self.count("unclear") > 0


def worst_first(variants: Iterable[JudgedVariant]) -> tuple[JudgedVariant, ...]:
    """In the order of reading: by state, then by slow-down."""

    def slowdown(variant: JudgedVariant) -> float:
        return variant.verdict.head.value if variant.verdict else 0.0

    return tuple(sorted(variants, key=lambda v: (STATES.index(v.state), -slowdown(v), v.name)))
