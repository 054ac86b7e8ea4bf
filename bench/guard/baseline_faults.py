"""What a change may not do to a cost baseline: delete it, take variants out of it, or raise its figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from bench.cost.figures import Cost
from bench.guard.cost_baseline import GUARDED, CostBaseline

Kind = Literal["deleted", "counted_otherwise", "dropped", "raised"]


@dataclass(frozen=True, kw_only=True)
class BaselineFault:
    """One way in which a baseline allows more than the one that was agreed to.

    Attributes:
        kind: The baseline is gone; it is of another size, number of classes or method; a variant is gone from it; or a
            figure is higher.
        variant: Name of the variant; "" where the fault is of the whole file.
        metric: Name of the figure by `bench.metrics`, or of the operator without a formula whose calls rose.
        before: The figure that was agreed to.
        now: The figure in the file as it is.
    """

    kind: Kind
    variant: str = ""
    metric: str = ""
    before: int | None = None
    now: int | None = None


def baseline_faults(
    agreed: CostBaseline, current: CostBaseline | None, allowed: Mapping[str, Fraction]
) -> tuple[BaselineFault, ...]:
    """Compare a baseline with the one that was agreed to.

    Args:
        agreed: The baseline at the revision that is compared with.
        current: The baseline as it is; None where it is gone.
        allowed: Growth in percent that is let through, by figure.
    """
    if current is None:
        return (BaselineFault(kind="deleted"),)
    if not counted_alike(agreed, current):
        return (BaselineFault(kind="counted_otherwise"),)
    return tuple(
        fault
        for name, cost in agreed.costs.items()
        for fault in _faults_of(name, cost, current.costs.get(name), allowed)
    )


def counted_alike(one: CostBaseline, other: CostBaseline) -> bool:
    """Whether the figures of two baselines can be compared."""
    return (one.size, one.classes, one.method) == (other.size, other.classes, other.method)


def _faults_of(
    name: str, agreed: Cost, current: Cost | None, allowed: Mapping[str, Fraction]
) -> Iterator[BaselineFault]:
    if current is None:
        yield BaselineFault(kind="dropped", variant=name)
        return
    figures, raised = agreed.metrics(), current.metrics()
    for metric in GUARDED:
        if 100 * (raised[metric] - figures[metric]) > allowed[metric] * figures[metric]:
            yield BaselineFault(kind="raised", variant=name, metric=metric, before=figures[metric], now=raised[metric])
    for operator, calls in current.unknown.items():
        before = agreed.unknown.get(operator, 0)
        if calls > before:
            yield BaselineFault(kind="raised", variant=name, metric=operator, before=before, now=calls)
