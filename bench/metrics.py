"""One table of what is measured: unit, direction, digits, meaning. Tables, figures and pages read it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from bench.settings.runtimes import RUNTIME_LABELS, RUNTIMES_OF, Device, RuntimeName


@dataclass(frozen=True, kw_only=True)
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


def latency_metric(device: Device, runtime: RuntimeName) -> str:
    """The key of a median latency: of eager PyTorch without the runtime's name, as before there were others."""
    return f"latency_{device}_ms" if runtime == "eager" else f"latency_{device}_{runtime}_ms"


_DEVICES: dict[Device, tuple[str, int]] = {"cpu": ("CPU", 1), "cuda": ("GPU", 2)}
"""How a device is called, and the digits of its milliseconds."""
LATENCIES = tuple(latency_metric(device, runtime) for device in _DEVICES for runtime in RUNTIMES_OF[device])
SCORE = "miou_val"
"""Name of the metric that variants are chosen by."""
P90 = "_p90"
"""Ends the key of a 90th percentile."""


def _latencies() -> Iterator[Metric]:
    """Of each runtime of each device: the median and the 90th percentile."""
    for device, (name, digits) in _DEVICES.items():
        for runtime in RUNTIMES_OF[device]:
            key = latency_metric(device, runtime)
            label = f"{name} latency" if runtime == "eager" else f"{RUNTIME_LABELS[runtime]} {name} latency"
            waits = ", waiting for the device at each" if device == "cuda" else ""
            yield Metric(
                key=key,
                label=label,
                unit="ms",
                digits=digits,
                higher_is_better=False,
                meaning=f"median time of single passes by {RUNTIME_LABELS[runtime]}{waits}; what a pass covers stands "
                "under how it was measured",
            )
            yield Metric(
                key=f"{key}{P90}",
                label=f"{label}, 90th percentile",
                unit="ms",
                digits=digits,
                higher_is_better=False,
                meaning="nine of ten passes took no longer, over the passes of all processes together",
            )


_SCORES = {
    "frequency_weighted_iou": (
        "frequency-weighted IoU",
        "mean of the class IoUs, weighted by the pixels of each class",
    ),
    "pixel_accuracy": ("pixel accuracy", "share of the pixels whose class is predicted"),
    "mean_accuracy": ("mean accuracy", "mean over the classes of the share of their pixels that is predicted"),
    "boundary_iou": ("boundary IoU", "mean IoU of the pixels within a fiftieth of the image's diagonal of a contour"),
}
"""Of the same predictions as the mIoU: label and meaning."""
_SPLITS = ("val", "test")
SCORE_METRICS = tuple(f"{score}_{split}" for score in _SCORES for split in _SPLITS)
"""In the details of an accuracy, as `scores_<split>`."""


def _scores() -> Iterator[Metric]:
    for score, (label, meaning) in _SCORES.items():
        for split in _SPLITS:
            words = (
                f"{meaning}; on the validation split, void ignored" if split == "val" else "the same on the test split"
            )
            yield Metric(
                key=f"{score}_{split}",
                label=f"{label} {split}",
                unit="%",
                digits=1,
                higher_is_better=True,
                meaning=words,
                scale=100,
            )


METRICS: dict[str, Metric] = {
    metric.key: metric
    for metric in (
        Metric(
            key=SCORE,
            label="mIoU val",
            unit="%",
            digits=1,
            higher_is_better=True,
            meaning="mean intersection over union on the validation split, void ignored",
            scale=100,
        ),
        Metric(
            key="miou_test",
            label="mIoU test",
            unit="%",
            digits=1,
            higher_is_better=True,
            meaning="the same on the test split, looked at once after training",
            scale=100,
        ),
        *_scores(),
        Metric(
            key="macs",
            label="MACs",
            unit="G",
            digits=2,
            higher_is_better=False,
            meaning="multiply-adds of convolutions, linear layers and matrix products of one forward "
            "pass; one multiply-add counts once (GFLOPs at 2 per MAC are twice this)",
            scale=1e-9,
            other_convention="×2 for GFLOPs at 2 per MAC",
        ),
        Metric(
            key="flops",
            label="FLOPs at 2 per MAC",
            unit="G",
            digits=2,
            higher_is_better=False,
            meaning="multiplications and additions of convolutions, linear layers and matrix products of one forward "
            "pass, two for each multiply-add (GMACs are half of this)",
            scale=1e-9,
            other_convention="÷2 for GMACs",
        ),
        Metric(
            key="rest_operations",
            label="other operations",
            unit="G",
            digits=2,
            higher_is_better=False,
            meaning="norms, activations, resizing, softmax, pooling and arithmetic: additions, comparisons and values "
            "of a function each count once",
            scale=1e-9,
        ),
        Metric(
            key="parameters",
            label="parameters",
            unit="M",
            digits=2,
            higher_is_better=False,
            meaning="learned numbers in the network, whole",
            scale=1e-6,
        ),
        Metric(
            key="activations",
            label="activations",
            unit="M",
            digits=1,
            higher_is_better=False,
            meaning="elements that all operators of one forward pass write",
            scale=1e-6,
        ),
        Metric(
            key="activation_bytes",
            label="activations written",
            unit="MB",
            digits=0,
            higher_is_better=False,
            meaning="the same in bytes, in float32; 1 MB is 1,000,000 bytes",
            scale=1e-6,
        ),
        Metric(
            key="peak_bytes",
            label="peak memory",
            unit="MB",
            digits=0,
            higher_is_better=False,
            meaning="most bytes of activations held at a time in a forward pass of eager PyTorch in float32, the image "
            "included, weights and the kernels' own buffers not; 1 MB is 1,000,000 bytes",
            scale=1e-6,
        ),
        Metric(
            key="weight_bytes",
            label="size in float32",
            unit="MB",
            digits=2,
            higher_is_better=False,
            meaning="weights and batch-norm statistics, as saved",
            scale=1e-6,
        ),
        Metric(
            key="float16_bytes",
            label="size in float16",
            unit="MB",
            digits=2,
            higher_is_better=False,
            meaning="the same at two bytes a number",
            scale=1e-6,
        ),
        Metric(
            key="int8_bytes",
            label="size in int8",
            unit="MB",
            digits=2,
            higher_is_better=False,
            meaning="the same with weight matrices in one byte a number and a float32 scale an output channel; biases "
            "and norms stay in float32",
            scale=1e-6,
        ),
        *_latencies(),
    )
}

COST_METRICS = ("macs", "flops", "parameters", *LATENCIES)
"""What a front puts on its cost axis; of MACs and FLOPs, which are one figure, a page shows one."""
Convention = Literal["macs", "flops"]
"""How multiply-adds are said: each as one MAC, or as two FLOPs."""
CONVENTION_WORDS: dict[Convention, str] = {
    "macs": "MACs count a multiply-add once: 1 GMAC is 2 GFLOPs at 2 per MAC.",
    "flops": "FLOPs here are at 2 per MAC: they count a multiply-add as two, so 2 GFLOPs are 1 GMAC.",
}
DETAIL_METRICS = (
    "rest_operations",
    "activations",
    "peak_bytes",
    "weight_bytes",
    "float16_bytes",
    "int8_bytes",
    *(f"{metric}{P90}" for metric in LATENCIES),
)
"""What a page says beside these."""
LOWER_BOUND = "≥"
"""Stands before a figure that leaves out operators without a formula."""
BOUNDED = ("macs", "flops", "rest_operations", "activations", "activation_bytes")
"""Figures that are lower bounds where an operator has no formula."""


def in_both_conventions(macs: float) -> str:
    """ "107.40 GMACs = 214.80 GFLOPs at 2 per MAC": never a bare "GFLOPs"."""
    return f"{macs / 1e9:.2f} GMACs = {2 * macs / 1e9:.2f} GFLOPs at 2 per MAC"


_SHARES = ("miou_", *(f"{score}_" for score in _SCORES))
"""How metrics begin that lie from 0 to 1."""
_ABOVE_ZERO = (
    "macs",
    "parameters",
    "activations",
    "activation_bytes",
    "peak_bytes",
    "weight_bytes",
    "float16_bytes",
    "int8_bytes",
    "latency_",
    "step_ms",
)
"""How metrics begin of which nothing can be free."""


def implausible(metrics: Mapping[str, float]) -> str:
    """Why numbers cannot have been measured; "" where nothing speaks against them.

    Every number is finite, a share such as the mIoU lies from 0 to 1, and a cost is above 0. A metric that this version
    does not know has only to be finite.
    """
    for name, value in metrics.items():
        if not math.isfinite(value):
            return f"{name} is {value}, which is not a finite number"
        if name.startswith(_SHARES) and not 0 <= value <= 1:
            return f"{name} is {value:g}, which is not from 0 to 1"
        if name.startswith(_ABOVE_ZERO) and value <= 0:
            return f"{name} is {value:g}, which is not above 0"
        if name == "rest_operations" and value < 0:
            return f"{name} is {value:g}, which is below 0"
    return ""
