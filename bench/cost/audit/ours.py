"""Our own count, in the same form."""

from __future__ import annotations

from collections import Counter

from bench.cost.audit.reading import ATTENTION, CONVOLUTION, PRODUCTS, Reading
from bench.cost.figures import Cost

NAME = "ours"


def read(cost: Cost) -> Reading:
    """A cost by kind of operator. Its operators without a formula are those of the whole pass."""
    by_kind: Counter[str] = Counter()
    for operator, work in cost.by_operator().items():
        by_kind[_kind(operator)] += work.macs
    macs = {kind: macs for kind, macs in by_kind.items() if macs}
    return Reading(counter=NAME, native=cost.total.macs, steps=(), by_kind=macs, no_formula=dict(cost.unknown))


def _kind(operator: str) -> str:
    if "convolution" in operator:
        return CONVOLUTION
    return ATTENTION if "attention" in operator else PRODUCTS
