"""ONNX Runtime on the CPU: the graph as an ONNX file, whose operators it fuses and lays out for itself."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from bench.latency.runtimes.exporting import Taking, as_it_lies, example, exported_file, keep, refused_in_words
from bench.latency.runtimes.unreported import unreported
from bench.latency.scope import Run, Scoped
from bench.settings.latency import LatencySetting

with unreported():
    import onnxruntime

_TYPES = {"tensor(float)": torch.float32, "tensor(uint8)": torch.uint8}


def prepare(graph: Scoped, setting: LatencySetting, exported: Path) -> Run:
    """A session of the exported graph."""
    with refused_in_words(setting):
        return Session(str(_file(graph, setting, exported)), setting)


def prepare_logits(graph: Scoped, setting: LatencySetting, exported: Path) -> Run:
    """A session of the same file that ends before the arg-max: for the check alone."""
    with refused_in_words(setting):
        return Session(_before_argmax(_file(graph, setting, exported)), setting)


def _file(graph: Scoped, setting: LatencySetting, exported: Path) -> Path:
    file = exported_file(exported, setting, ".onnx")

    def write(path: Path) -> None:
        torch.onnx.export(
            Taking(graph, setting.layout).eval(),
            (example(setting),),
            str(path),
            dynamo=True,
            external_data=False,
            input_names=["image"],
            output_names=["output"],
            verbose=False,
        )

    keep([file], write)
    return file


def _before_argmax(file: Path) -> bytes:
    """The model with the input of its arg-max as its only output."""
    import onnx

    model = onnx.load(file)
    (argmax,) = (node for node in model.graph.node if node.op_type == "ArgMax")
    (logits,) = (info for info in model.graph.value_info if info.name == argmax.input[0])
    del model.graph.output[:]
    model.graph.output.append(logits)
    data: bytes = model.SerializeToString()
    return data


class Session:
    """Runs a model between tensors in place: the image is read where it lies, the output is the same one each time."""

    def __init__(self, model: str | bytes, setting: LatencySetting) -> None:
        self.setting = setting
        self.session = onnxruntime.InferenceSession(model, _options(setting), providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        (output,) = self.session.get_outputs()
        self.output = torch.empty(output.shape, dtype=_TYPES[output.type])
        self.binding.bind_output(output.name, "cpu", 0, self.output.numpy().dtype, output.shape, self.output.data_ptr())
        (self.image,) = self.session.get_inputs()

    def __call__(self, image: Tensor) -> Tensor:
        """A pass."""
        there = as_it_lies(image, self.setting)
        self.binding.bind_input(self.image.name, "cpu", 0, "float32", self.image.shape, there.data_ptr())
        self.session.run_with_iobinding(self.binding)
        return self.output


def _options(setting: LatencySetting) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = setting.threads, 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3  # errors
    # idle threads would go on spinning into the next pass, which in lock-step is the other side's
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return options
