"""With what a latency is measured: all that moves the number beside the network itself."""

from __future__ import annotations

from bench.settings.base import Setting
from bench.settings.runtimes import RUNTIME_LABELS, Device, Layout, Precision, RuntimeName, Scope

CLOCK_METHOD = 2
"""Version of what the clock covers and how: raised when it changes a number. 1 was eager PyTorch alone, after a fixed
number of passes."""


class LatencySetting(Setting):
    """One setting of the clock.

    Attributes:
        size: Width and height of the image in pixels.
        classes: Channels of the logits.
        threads: Of the CPU, that the runtime may use.
        batch: Images a pass.
    """

    size: tuple[int, int]
    classes: int
    device: Device = "cpu"
    runtime: RuntimeName = "eager"
    threads: int = 1
    precision: Precision = "float32"
    layout: Layout = "channels_last"
    batch: int = 1
    scope: Scope = "resize"

    def __str__(self) -> str:
        """A label: "ONNX Runtime, CPU with 1 thread, one 1024x512 image, float32, channels_last, scope resize"."""
        where = f"CPU with {self.threads} thread{'s' if self.threads > 1 else ''}" if self.device == "cpu" else "GPU"
        images = "one {}x{} image" if self.batch == 1 else f"{self.batch} {{}}x{{}} images"
        tf32 = " (TF32 convolutions)" if self.device == "cuda" and self.precision == "float32" else ""
        parts = (RUNTIME_LABELS[self.runtime], where, images.format(*self.size), f"{self.precision}{tf32}", self.layout)
        return f"{', '.join(parts)}, scope {self.scope}"


class ProcessSetting(LatencySetting):
    """Of the latency of a variant in one process of several.

    Attributes:
        samples: Passes that are timed.
        restart: Which of the processes, from 0.
        runtime_versions: Of the packages that the runtime needs beyond torch.
        weights_of: Key of the training whose weights run; `RANDOM` for those of a random start.
        method: See `CLOCK_METHOD`.
    """

    samples: int
    restart: int
    runtime_versions: dict[str, str]
    weights_of: str
    method: int

    @property
    def clock(self) -> LatencySetting:
        """What all processes of all variants have in common."""
        return LatencySetting(**{name: getattr(self, name) for name in LatencySetting.model_fields})


class StepSetting(LatencySetting):
    """Of a pre-processing step before a network, timed side by side with the network alone.

    Attributes:
        step: Its name.
        scale: Of the image that the network sees, over its own size.
        passes: Of each side, that are timed.
        step_versions: Of the packages that the step needs.
        data_fingerprint: Of the data set that the step was fitted on.
        method: Version of the way in which steps are timed.
    """

    step: str
    scale: float
    passes: int
    step_versions: dict[str, str]
    data_fingerprint: str
    method: int
