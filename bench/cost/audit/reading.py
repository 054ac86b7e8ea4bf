"""What a counter found in one variant: plain data, and how its figure comes to our conventions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

CONVOLUTION, PRODUCTS, ATTENTION = "convolution", "matrix products", "attention"
"""Kinds of operators that every counter's own names fall into; a name of no kind is a kind of its own."""

IN_ATTENTION = "attention: "
"""Stands before the name of an operator that ran within attention."""
NO_ATTENTION = "attention, for which it has no formula"
TAKEN_APART = "torch's fused transformer layer, taken apart"


_PRODUCT_WORDS = ("conv", "mm", "mv", "dot", "einsum", "attention")


def looks_like_product(operator: str) -> bool:
    """Whether an operator without a formula may hide multiply-adds, by its name."""
    return any(word in operator for word in _PRODUCT_WORDS)


@dataclass(frozen=True)
class Pass:
    """Multiply-adds of one pass by operator, as the counter names it; calls of those whose calls are known."""

    macs: Mapping[str, int]
    calls: Mapping[str, int] = field(default_factory=dict)
    no_formula: Mapping[str, int] = field(default_factory=dict)
    """Calls of operators that look like products and have no formula."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One explained difference. macs: signed, what is added to the counter's own figure; calls: None if unknown."""

    operator: str
    reason: str
    macs: int
    calls: int | None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a counter found.

    native: as the counter itself prints it. by_kind: multiply-adds after the steps. beside: other figures of its
    own, shown and not compared. no_formula: calls of operators that look like products and that it does not know.
    """

    counter: str
    native: int
    steps: tuple[Step, ...]
    by_kind: dict[str, int]
    beside: dict[str, int] = field(default_factory=dict)
    no_formula: dict[str, int] = field(default_factory=dict)

    @property
    def aligned(self) -> int:
        return sum(self.by_kind.values())


@dataclass(frozen=True)
class Failure:
    """A counter that came to no figure, with the reason in words."""

    counter: str
    reason: str


def align(
    counter: str,
    native: Pass,
    complete: Pass,
    products: Collection[str],
    left_out: Mapping[str, str],
    beside: dict[str, int] | None = None,
) -> Reading:
    """Bring a counter's figure to our conventions, by its own numbers alone.

    Args:
        counter: its name.
        native: the pass as the counter sees it.
        complete: the same with attention written out, whose operators begin with `IN_ATTENTION`.
        products: its names of linear layers and matrix products.
        left_out: its names of what is not of the core -> why it is taken off.
        beside: other figures of its own.
    """
    steps: list[Step] = []
    for name in dict.fromkeys([*native.macs, *complete.macs]):
        found = complete.macs.get(name, 0) - native.macs.get(name, 0)
        if found:
            reason = NO_ATTENTION if name.startswith(IN_ATTENTION) else TAKEN_APART
            steps.append(Step(operator=name, reason=reason, macs=found, calls=_calls(name, complete, native)))
    by_kind: Counter[str] = Counter()
    for name, macs in complete.macs.items():
        if name in left_out:
            if macs:
                steps.append(Step(operator=name, reason=left_out[name], macs=-macs, calls=complete.calls.get(name)))
        else:
            by_kind[_kind(name, products)] += macs
    return Reading(
        counter=counter,
        native=sum(native.macs.values()),
        steps=tuple(steps),
        by_kind={kind: macs for kind, macs in by_kind.items() if macs},
        beside=beside or {},
        no_formula=dict(complete.no_formula),
    )


def _kind(name: str, products: Collection[str]) -> str:
    if name.startswith(IN_ATTENTION):
        return ATTENTION
    if name in ("conv", "convolution", "_convolution"):
        return CONVOLUTION
    return PRODUCTS if name in products else name


def _calls(name: str, complete: Pass, native: Pass) -> int | None:
    return complete.calls[name] - native.calls.get(name, 0) if name in complete.calls else None
