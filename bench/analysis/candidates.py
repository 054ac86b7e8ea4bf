"""What a choice is made among: a variant with its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.constraints import Limit


@dataclass(frozen=True)
class Candidate:
    """A variant with its metrics, in their stored units."""

    variant: str
    values: Mapping[str, float]

    def meets(self, limits: Sequence[Limit]) -> bool:
        """Whether all hold."""
        return all(limit.holds(self.values[limit.metric]) for limit in limits)
