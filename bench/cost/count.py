"""The whole cost of a network: parameters and MACs by two counters."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from bench.cost.crosscheck import TOLERANCE, count_macs_with_ptflops, relative_difference
from bench.cost.macs import count_macs
from bench.cost.parameters import count_parameters


@dataclass(frozen=True)
class Cost:
    """Parameters, multiply-adds of one image, and how far the second counter agrees."""

    parameters: int
    macs: int
    macs_ptflops: int
    ptflops_difference: float
    """(ptflops - ours) / ours."""
    counters_agree: bool
    unknown_operators: dict[str, int]
    """Operators that were not counted, with their calls."""

    def details(self) -> dict[str, Any]:
        """What stands beside the two metrics in a record."""
        return {key: value for key, value in asdict(self).items() if key not in ("parameters", "macs")}


def count_cost(net: nn.Module, width: int, height: int) -> Cost:
    """Count `net` on one RGB image of `width` x `height` pixels.

    Call it in a process of its own: ptflops can leave torch patched after an error.
    """
    count = count_macs(net, width, height)
    theirs = count_macs_with_ptflops(net, width, height)
    difference = relative_difference(count.macs, theirs)
    return Cost(
        parameters=count_parameters(net),
        macs=count.macs,
        macs_ptflops=theirs,
        ptflops_difference=difference,
        counters_agree=abs(difference) <= TOLERANCE,
        unknown_operators=count.unknown,
    )
