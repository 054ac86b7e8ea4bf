"""What a latency can be measured with: devices, runtimes, precisions, layouts, scopes. Imports no package."""

from typing import Literal

Device = Literal["cpu", "cuda"]
Scope = Literal["network", "resize", "argmax", "transfer"]
Precision = Literal["float32", "bfloat16", "float16"]
Layout = Literal["channels_last", "contiguous"]
RuntimeName = Literal["eager", "compile", "onnxruntime", "openvino", "cudagraph"]

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
