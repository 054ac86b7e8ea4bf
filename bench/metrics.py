"""One table of what is measured: unit, direction, digits, meaning. Tables, figures and pages read it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """How a number is said.

    `scale` turns the stored unit into the shown one (MACs are stored, GMACs are shown).
    """

    key: str
    label: str
    unit: str
    digits: int
    higher_is_better: bool
    meaning: str
    scale: float = 1.0

    def show(self, value: float | None) -> str:
        """The number in the shown unit, without the unit; a dash where there is none.

        A number too small for the digits keeps two significant ones: never a zero that is none.
        """
        if value is None or math.isnan(value):
            return "–"
        shown = value * self.scale
        if 0 < abs(shown) < 10 ** (1 - self.digits):
            return f"{shown:.2g}"
        return f"{shown:.{self.digits}f}"

    @property
    def direction(self) -> str:
        return "higher is better" if self.higher_is_better else "lower is better"

    @property
    def heading(self) -> str:
        """Label with its unit, for a table's head or a figure's axis."""
        return f"{self.label} ({self.unit})"


METRICS: dict[str, Metric] = {
    metric.key: metric
    for metric in (
        Metric("miou_val", "mIoU val", "%", 1, True,
               "mean intersection over union on the validation split, void ignored", 100),
        Metric("miou_test", "mIoU test", "%", 1, True,
               "the same on the test split, looked at once after training", 100),
        Metric("macs", "MACs", "G", 2, False,
               "multiply-adds of convolutions, linear layers and matrix products of one forward "
               "pass; one multiply-add counts once (GFLOPs at 2 per MAC are twice this)", 1e-9),
        Metric("parameters", "parameters", "M", 2, False,
               "learned numbers in the network, whole", 1e-6),
        Metric("latency_cpu_ms", "CPU latency", "ms", 1, False,
               "median time of one forward pass of one image, eager PyTorch, logits at full size, "
               "without reading the image and without arg-max"),
        Metric("latency_cuda_ms", "GPU latency", "ms", 2, False,
               "the same on the GPU, waiting for the device at each pass"),
    )
}  # fmt: skip

COST_METRICS = ("macs", "parameters", "latency_cpu_ms", "latency_cuda_ms")
"""What a front puts on its cost axis."""


def in_both_conventions(macs: float) -> str:
    """ "107.40 GMACs = 214.80 GFLOPs at 2 per MAC": never a bare "GFLOPs"."""
    return f"{macs / 1e9:.2f} GMACs = {2 * macs / 1e9:.2f} GFLOPs at 2 per MAC"
