"""OpenVINO on the CPU: the graph as OpenVINO's own files, converted from what torch.export traces."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.latency.runtimes.exporting import Taking, as_it_lies, example, exported_file, keep, refused_in_words
from bench.latency.runtimes.unreported import unreported
from bench.latency.scope import Run, Scoped
from bench.settings.latency import LatencySetting
from bench.settings.runtimes import Precision

with unreported():
    import openvino

_TORCH_TYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16, "u8": torch.uint8}
_NAMES: dict[Precision, str] = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
_CAPABILITIES: dict[Precision, str] = {"float32": "FP32", "bfloat16": "BF16", "float16": "FP16"}


def prepare(graph: Scoped, setting: LatencySetting, exported: Path) -> Run:
    """The exported graph, compiled for this CPU."""
    with refused_in_words(setting):
        return Request(_model(graph, setting, exported), setting)


def prepare_logits(graph: Scoped, setting: LatencySetting, exported: Path) -> Run:
    """The same files up to the arg-max: for the check alone."""
    with refused_in_words(setting):
        model = _model(graph, setting, exported)
        (argmax,) = (node for node in model.get_ordered_ops() if node.get_type_name() == "TopK")
        logits = openvino.Model([argmax.input_value(0)], model.get_parameters())
        return Request(logits, setting)


def precisions() -> tuple[Precision, ...]:
    """Those that this CPU computes in, as OpenVINO sees it."""
    able = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return tuple(precision for precision, name in _CAPABILITIES.items() if name in able)


def _model(graph: Scoped, setting: LatencySetting, exported: Path) -> openvino.Model:
    file, weights = (exported_file(exported, setting, suffix) for suffix in (".xml", ".bin"))

    def write(path: Path) -> None:
        image = example(setting)
        # bfloat16 weights are read as if they lay contiguous, whatever their strides: seen with 2026.4
        plain = deepcopy(graph).to(memory_format=torch.contiguous_format)
        program = torch.export.export(Taking(plain, setting.layout).eval(), (image,))
        with unreported():
            model = openvino.convert_model(program)
        model.reshape(list(image.shape))  # kernels of a shape that is known are faster
        openvino.save_model(model, path, compress_to_fp16=False)

    keep([weights, file], write)
    return openvino.Core().read_model(file)


class Request:
    """Runs a model between tensors in place: the image is read where it lies, the output is the same one each time."""

    def __init__(self, model: openvino.Model, setting: LatencySetting) -> None:
        self.setting = setting
        self.compiled = openvino.Core().compile_model(model, "CPU", _options(setting))
        self.request = self.compiled.create_infer_request()
        port = self.compiled.output(0)
        self.output = torch.empty(list(port.shape), dtype=_TORCH_TYPES[port.element_type.get_type_name()])
        self.request.set_output_tensor(_shared(self.output))

    def __call__(self, image: Tensor) -> Tensor:
        """A pass."""
        there = as_it_lies(image, self.setting)
        self.request.set_input_tensor(_shared(there))
        self.request.infer()
        return self.output


def _shared(tensor: Tensor) -> openvino.Tensor:
    """OpenVINO's view of a contiguous tensor's memory, which must outlive it."""
    if tensor.dtype is torch.bfloat16:  # numpy has no such type
        return openvino.Tensor(tensor.view(torch.uint16).numpy(), openvino.Shape(tensor.shape), openvino.Type.bf16)
    return openvino.Tensor(tensor.numpy(), shared_memory=True)


def _options(setting: LatencySetting) -> dict[str, Any]:
    """One pass at a time, with exactly the setting's threads, which the system places as it does any other's."""
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": "1",
        "INFERENCE_NUM_THREADS": setting.threads,
        "ENABLE_HYPER_THREADING": True,
        "ENABLE_CPU_PINNING": False,
        "INFERENCE_PRECISION_HINT": _NAMES[setting.precision],
    }
