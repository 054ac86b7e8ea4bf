"""Latency from what operators compute and move: an estimate, not a measurement.

Williams, Waterman and Patterson, "Roofline", CACM 2009: an operator takes at least its operations over the peak of
the hardware, and at least the bytes that it reads and writes over the memory bandwidth; the longer of both counts.
Real hardware stays below its peaks, and caches spare some of the bytes: both move a measured latency off the estimate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from bench.cost.hardware import HardwareProfile
from bench.cost.parts import parts_of, parts_of_operations
from bench.cost.trace import Operation, trace
from variants.network import build
from variants.spec import VariantSpec


@dataclass
class PartEstimate:
    """Milliseconds of a part: in all, and in operators that computing or memory bounds."""

    compute_ms: float = 0.0
    memory_ms: float = 0.0

    @property
    def ms(self) -> float:
        return self.compute_ms + self.memory_ms

    @property
    def bound(self) -> str:
        """What most of the time goes into."""
        return "computing" if self.compute_ms > self.memory_ms else "memory"


@dataclass(frozen=True)
class Estimate:
    """Of one variant on one hardware, by part in the order in which they run.

    unknown: calls of operators without a formula; with them the estimate is a lower bound.
    """

    variant: str
    parts: dict[str, PartEstimate] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)

    @property
    def ms(self) -> float:
        return sum(part.ms for part in self.parts.values())


def estimate(spec: VariantSpec, classes: int, width: int, height: int, profile: HardwareProfile) -> Estimate:
    """Estimate one forward pass of one image in float32.

    Raises:
        VariantError: the network cannot be built.
    """
    with torch.device("meta"):
        net = build(spec, classes)
    operations = trace(net, width, height).operations
    return add_up(spec.name, operations, list(parts_of_operations(operations, parts_of(net))), profile)


def add_up(variant: str, operations: Sequence[Operation], parts: Sequence[str], profile: HardwareProfile) -> Estimate:
    """Add the operators' times up by part. An operation of the rest counts as one multiply-add at the peak."""
    found: dict[str, PartEstimate] = {}
    for operation, part in zip(operations, parts, strict=True):
        compute = 1e3 * (operation.macs + operation.rest) / profile.macs_per_s
        memory = 1e3 * operation.moved_bytes / profile.bytes_per_s
        into = found.setdefault(part, PartEstimate())
        if compute > memory:
            into.compute_ms += compute
        else:
            into.memory_ms += memory
    unknown = Counter(operation.operator for operation in operations if not operation.known)
    return Estimate(variant, found, dict(unknown))
