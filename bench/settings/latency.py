"""With what a latency is measured: all that moves the number beside the network itself. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Device = Literal["cpu", "cuda"]
Scope = Literal["network", "resize", "argmax", "transfer"]
Precision = Literal["float32", "bfloat16", "float16"]
Layout = Literal["channels_last", "contiguous"]
RuntimeName = Literal["eager", "compile", "onnxruntime", "openvino", "cudagraph"]

CLOCK_METHOD = 2
"""Version of what the clock covers and how: raised when it changes a number. 1 was eager PyTorch alone, after a fixed
number of passes."""
SCOPES: dict[Scope, str] = {
    "network": "normalised image to logits at the network's own size",
    "resize": "image to logits at full size",
    "argmax": "image to class map at full size",
    "transfer": "image in main memory to class map in main memory, copies to and from the device included",
}
"""What the clock covers. Each covers what the ones before it do; `argmax` is the graph that mIoU is measured on."""
RUNTIME_LABELS: dict[RuntimeName, str] = {
    "eager": "eager PyTorch",
    "compile": "torch.compile",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "cudagraph": "CUDA graph",
}
RUNTIME_PACKAGES: dict[RuntimeName, tuple[str, ...]] = {
    "eager": (),
    "compile": (),
    "onnxruntime": ("onnx", "onnxscript", "onnxruntime"),
    "openvino": ("openvino",),
    "cudagraph": (),
}
"""Those needed beyond torch."""
RUNTIMES_OF: dict[Device, tuple[RuntimeName, ...]] = {
    "cpu": ("eager", "compile", "onnxruntime", "openvino"),
    "cuda": ("eager", "compile", "cudagraph"),
}


@dataclass(frozen=True, kw_only=True)
class LatencySetting:
    """One setting of the clock.

    size: width and height of the image in pixels. classes: channels of the logits. threads: of the CPU that the
    runtime may use. batch: images a pass.
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

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` reads them back."""
        return asdict(self) | {"size": list(self.size)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> LatencySetting:
        """Of a mapping that may hold more, as the setting of a record does."""
        fields = {name: data[name] for name in LatencySetting.__dataclass_fields__}
        return LatencySetting(**fields | {"size": tuple(data["size"])})

    def __str__(self) -> str:
        """A label: "ONNX Runtime, CPU with 1 thread, one 1024x512 image, float32, channels_last, scope resize"."""
        where = f"CPU with {self.threads} thread{'s' if self.threads > 1 else ''}" if self.device == "cpu" else "GPU"
        images = "one {}x{} image" if self.batch == 1 else f"{self.batch} {{}}x{{}} images"
        tf32 = " (TF32 convolutions)" if self.device == "cuda" and self.precision == "float32" else ""
        parts = (RUNTIME_LABELS[self.runtime], where, images.format(*self.size), f"{self.precision}{tf32}", self.layout)
        return f"{', '.join(parts)}, scope {self.scope}"
