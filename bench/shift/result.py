"""All that `bench shift` measured, as it is shown and printed. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bench.shift.channels import ChannelSums
from bench.shift.distance import RAW, Shift, StepShift

FARTHEST = 5
"""Images that are named."""


@dataclass(frozen=True, kw_only=True)
class ShiftReport:
    """Shift of `target` from `source`.

    network, weights: whose features they are. counts: images of source and target. names: of the target's images.
    channels: of the target, by step. times: by step, what `StepLatency.to_json` gives.
    """

    source: str
    target: str
    network: str
    weights: str
    counts: tuple[int, int]
    shift: Shift
    names: tuple[str, ...]
    source_channels: ChannelSums
    channels: Mapping[str, ChannelSums]
    times: Mapping[str, Mapping[str, Any]]

    @property
    def farthest(self) -> list[int]:
        """Places of the target's farthest images, without a step; the farthest first."""
        return [int(i) for i in np.argsort(self.shift.raw.per_image)[::-1][:FARTHEST]]

    def nearest_after(self, image: int) -> StepShift:
        """Of all steps, and none, the one after which an image is nearest."""
        return min(self.shift.steps, key=lambda step: step.per_image[image])

    def off_by(self, step: str = RAW) -> tuple[float, ...]:
        """Red, green, blue: target's mean less the source's, in standard deviations of the source."""
        ours, theirs = self.source_channels, self.channels[step]
        return tuple(map(float, (theirs.mean - ours.mean) / np.maximum(ours.std, 1.0)))

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        shift = self.shift
        return {
            "source": self.source,
            "target": self.target,
            "network": self.network,
            "weights": self.weights,
            "images": {"source": self.counts[0], "target": self.counts[1], "held_out": shift.held_out},
            "unit": "squared Frechet distance over the total variance of the source's features",
            "held_out": asdict(shift.reference),
            "stretch": shift.stretch,
            "limit": shift.limit,
            "source_per_image": list(shift.source_per_image),
            "source_channels": _channels(self.source_channels),
            "farthest": [self.names[i] for i in self.farthest],
            "steps": {step.step: self._step(step) for step in shift.steps},
        }

    def _step(self, step: StepShift) -> dict[str, Any]:
        return {
            "excess": asdict(step.excess),
            "closed": asdict(step.closed) if step.closed else None,
            "unlike": step.unlike(self.shift.limit),
            "per_image": dict(zip(self.names, step.per_image, strict=True)),
            "channels": _channels(self.channels[step.step]) | {"off_by": list(self.off_by(step.step))},
            "time": self.times.get(step.step),
        }


def _channels(sums: ChannelSums) -> dict[str, list[float]]:
    return {"mean": sums.mean.tolist(), "std": sums.std.tolist()}
