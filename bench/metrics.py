"""One table of what is measured: unit, direction, digits, meaning. Tables, figures and pages read it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


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
    other_convention: str = ""
    """How the number is said in the other convention, for an axis of a figure."""

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

    @property
    def axis(self) -> str:
        """The heading and how the other convention says it, for a figure's axis."""
        return f"{self.heading}{f', {self.other_convention}' if self.other_convention else ''}"


METRICS: dict[str, Metric] = {
    metric.key: metric
    for metric in (
        Metric("miou_val", "mIoU val", "%", 1, True,
               "mean intersection over union on the validation split, void ignored", 100),
        Metric("miou_test", "mIoU test", "%", 1, True,
               "the same on the test split, looked at once after training", 100),
        Metric("macs", "MACs", "G", 2, False,
               "multiply-adds of convolutions, linear layers and matrix products of one forward "
               "pass; one multiply-add counts once (GFLOPs at 2 per MAC are twice this)", 1e-9,
               "×2 for GFLOPs at 2 per MAC"),
        Metric("flops", "FLOPs at 2 per MAC", "G", 2, False,
               "multiplications and additions of convolutions, linear layers and matrix products of one forward "
               "pass, two for each multiply-add (GMACs are half of this)", 1e-9,
               "÷2 for GMACs"),
        Metric("rest_operations", "other operations", "G", 2, False,
               "norms, activations, resizing, softmax, pooling and arithmetic: additions, comparisons and values "
               "of a function each count once", 1e-9),
        Metric("parameters", "parameters", "M", 2, False,
               "learned numbers in the network, whole", 1e-6),
        Metric("activations", "activations", "M", 1, False,
               "elements that all operators of one forward pass write", 1e-6),
        Metric("activation_bytes", "activations written", "MB", 0, False,
               "the same in bytes, in float32; 1 MB is 1,000,000 bytes", 1e-6),
        Metric("peak_bytes", "peak memory", "MB", 0, False,
               "most bytes of activations held at a time in a forward pass of eager PyTorch in float32, the image "
               "included, weights and the kernels' own buffers not; 1 MB is 1,000,000 bytes", 1e-6),
        Metric("weight_bytes", "size in float32", "MB", 2, False,
               "weights and batch-norm statistics, as saved", 1e-6),
        Metric("float16_bytes", "size in float16", "MB", 2, False, "the same at two bytes a number", 1e-6),
        Metric("int8_bytes", "size in int8", "MB", 2, False,
               "the same with weight matrices in one byte a number and a float32 scale an output channel; biases and "
               "norms stay in float32", 1e-6),
        Metric("latency_cpu_ms", "CPU latency", "ms", 1, False,
               "median time of one forward pass of one image, eager PyTorch, logits at full size, "
               "without reading the image and without arg-max"),
        Metric("latency_cuda_ms", "GPU latency", "ms", 2, False,
               "the same on the GPU, waiting for the device at each pass"),
    )
}  # fmt: skip

COST_METRICS = ("macs", "flops", "parameters", "latency_cpu_ms", "latency_cuda_ms")
"""What a front puts on its cost axis; of MACs and FLOPs, which are one figure, a page shows one."""
Convention = Literal["macs", "flops"]
"""How multiply-adds are said: each as one MAC, or as two FLOPs."""
CONVENTION_WORDS: dict[Convention, str] = {
    "macs": "MACs count a multiply-add once: 1 GMAC is 2 GFLOPs at 2 per MAC.",
    "flops": "FLOPs here are at 2 per MAC: they count a multiply-add as two, so 2 GFLOPs are 1 GMAC.",
}
DETAIL_METRICS = (
    "rest_operations", "activations", "peak_bytes", "weight_bytes", "float16_bytes", "int8_bytes",
)  # fmt: skip
"""What a page says of a cost beside these."""
LOWER_BOUND = "≥"
"""Stands before a figure that leaves out operators without a formula."""
BOUNDED = ("macs", "flops", "rest_operations", "activations", "activation_bytes")
"""Figures that are lower bounds where an operator has no formula."""


def in_both_conventions(macs: float) -> str:
    """ "107.40 GMACs = 214.80 GFLOPs at 2 per MAC": never a bare "GFLOPs"."""
    return f"{macs / 1e9:.2f} GMACs = {2 * macs / 1e9:.2f} GFLOPs at 2 per MAC"
