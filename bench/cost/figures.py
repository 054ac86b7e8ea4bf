"""The cost of one variant: plain data, for records, tables, baselines and files. Imports no measured library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

PARTS = ("input", "backbone", "body", "fusion", "context", "decoder", "head", "output")
"""All names of parts, in the order in which they run."""
UNREAD = "no operator"
"""Stands for the operator of weights that a pass reads nowhere."""
_Kind = TypeVar("_Kind", "Work", "Weights")


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one operator does in one part: calls, multiply-adds, elementary operations, elements written."""

    calls: int = 0
    macs: int = 0
    rest: int = 0
    written: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(
            calls=self.calls + other.calls,
            macs=self.macs + other.macs,
            rest=self.rest + other.rest,
            written=self.written + other.written,
        )


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Learned numbers, and bytes of all that is stored (batch-norm statistics too) at three precisions.

    int8: weights of two and more axes in one byte each with a float32 scale an output channel, all else in float32.
    """

    parameters: int = 0
    float32_bytes: int = 0
    float16_bytes: int = 0
    int8_bytes: int = 0

    def __add__(self, other: Weights) -> Weights:
        return Weights(
            parameters=self.parameters + other.parameters,
            float32_bytes=self.float32_bytes + other.float32_bytes,
            float16_bytes=self.float16_bytes + other.float16_bytes,
            int8_bytes=self.int8_bytes + other.int8_bytes,
        )


@dataclass(frozen=True)
class Peak:
    """Most bytes of activations at a time in an eager pass in float32, and the operator that ends there."""

    live_bytes: int
    part: str
    operator: str


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a variant costs for one image, by part and operator; the sums are of these.

    work: part -> operator -> what it does. weights: part -> operator that reads them first, `UNREAD` where none does.
    unknown: calls of operators without a formula: with them the sums are lower bounds.
    """

    work: dict[str, dict[str, Work]]
    weights: dict[str, dict[str, Weights]]
    peak: Peak
    unknown: dict[str, int]

    @property
    def total(self) -> Work:
        return sum((work for operators in self.work.values() for work in operators.values()), Work())

    @property
    def whole(self) -> Weights:
        return sum(self.weights_by_part().values(), Weights())

    def by_part(self) -> dict[str, Work]:
        """The parts in the order in which they run."""
        return {part: sum(operators.values(), Work()) for part, operators in self.work.items()}

    def weights_by_part(self) -> dict[str, Weights]:
        """What each part that has weights stores."""
        return {part: sum(operators.values(), Weights()) for part, operators in self.weights.items()}

    def by_operator(self) -> dict[str, Work]:
        """Operators over all parts, the costliest first."""
        found: dict[str, Work] = {}
        for operators in self.work.values():
            for name, work in operators.items():
                found[name] = found.get(name, Work()) + work
        return dict(sorted(found.items(), key=lambda item: (-item[1].macs, -item[1].rest, item[0])))

    def metrics(self) -> dict[str, int]:
        """The figures by the names of `bench.metrics`."""
        total, whole = self.total, self.whole
        return {
            "macs": total.macs,
            "rest_operations": total.rest,
            "parameters": whole.parameters,
            "activations": total.written,
            "activation_bytes": 4 * total.written,
            "peak_bytes": self.peak.live_bytes,
            "weight_bytes": whole.float32_bytes,
            "float16_bytes": whole.float16_bytes,
            "int8_bytes": whole.int8_bytes,
        }

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `cost_from_json` reads them back."""
        return {
            "work": {
                part: {name: [work.calls, work.macs, work.rest, work.written] for name, work in operators.items()}
                for part, operators in self.work.items()
            },
            "weights": {
                part: {name: list(asdict(weights).values()) for name, weights in operators.items()}
                for part, operators in self.weights.items()
            },
            "peak": list(asdict(self.peak).values()),
            "unknown_operators": self.unknown,
        }


def cost_from_json(data: Mapping[str, Any]) -> Cost:
    """The cost that `Cost.to_json` wrote.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    return Cost(
        work={
            part: {name: _made(Work, values) for name, values in operators.items()}
            for part, operators in data["work"].items()
        },
        weights={
            part: {name: _made(Weights, values) for name, values in operators.items()}
            for part, operators in data["weights"].items()
        },
        peak=Peak(*data["peak"]),
        unknown=dict(data["unknown_operators"]),
    )


def _made(kind: type[_Kind], values: Sequence[int]) -> _Kind:
    """Of the values of its fields, in their order."""
    return kind(**dict(zip((field.name for field in fields(kind)), values, strict=True)))


def work_grown(before: Cost, now: Cost, of: Callable[[Work], int]) -> dict[tuple[str, str], int]:
    """By how much the work of each (part, operator) differs, where it does."""
    return _grown(before.work, now.work, of)


def weights_grown(before: Cost, now: Cost, of: Callable[[Weights], int]) -> dict[tuple[str, str], int]:
    """By how much the weights of each (part, operator) differ, where they do."""
    return _grown(before.weights, now.weights, of)


def _grown(
    before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]], of: Callable[[Any], int]
) -> dict[tuple[str, str], int]:
    difference: Counter[tuple[str, str]] = Counter()
    for parts, sign in ((now, 1), (before, -1)):
        for part, operators in parts.items():
            for name, value in operators.items():
                difference[part, name] += sign * of(value)
    return {key: value for key, value in difference.items() if value}
