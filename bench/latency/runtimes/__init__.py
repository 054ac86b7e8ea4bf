"""Runtimes by name: what runs the graph of a network.

A runtime is a module here with one function, `prepare(graph, setting, exported) -> Run`: a graph in eval mode, in the
setting's precision and layout, on the setting's device; the setting; and a path (without suffix) below which what was
exported is kept for the next process.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import torch

from bench.errors import UserError
from bench.latency.scope import Run, Scoped, memory_format
from bench.latency.setting import RUNTIME_LABELS, RUNTIMES_OF, LatencySetting, RuntimeName
from variants.network import Network


@dataclass(frozen=True)
class RuntimeEntry:
    """Where a runtime is, and which packages it needs beyond torch, by the extra that installs them."""

    module: str
    packages: tuple[str, ...] = ()
    extra: str | None = None


RUNTIMES: dict[RuntimeName, RuntimeEntry] = {
    "eager": RuntimeEntry("bench.latency.runtimes.eager"),
    "compile": RuntimeEntry("bench.latency.runtimes.compiled"),
    "onnxruntime": RuntimeEntry("bench.latency.runtimes.onnx_runtime", ("onnx", "onnxscript", "onnxruntime"), "onnx"),
    "openvino": RuntimeEntry("bench.latency.runtimes.open_vino", ("openvino",), "openvino"),
    "cudagraph": RuntimeEntry("bench.latency.runtimes.cuda_graph"),
}


def check_runtime(setting: LatencySetting) -> None:
    """Refuse a runtime that the device does not have, or whose packages are not installed.

    Raises:
        UserError: naming the runtimes of the device, or the extra.
    """
    entry = RUNTIMES[setting.runtime]
    there = RUNTIMES_OF[setting.device]
    if setting.runtime not in there:
        raise UserError(
            f"runtime {setting.runtime!r} does not run on {setting.device}. Those that do: {', '.join(there)}."
        )
    missing = [name for name in entry.packages if find_spec(name) is None]
    if missing:
        raise UserError(
            f"runtime {setting.runtime!r} needs {', '.join(missing)}, not installed here. "
            f"`pip install 'segmentation-bench[{entry.extra}]'` installs {RUNTIME_LABELS[setting.runtime]}."
        )


def prepare(net: Network, setting: LatencySetting, exported: Path) -> Run:
    """A network ready to run by a runtime, as the setting has it.

    Args:
        net: moved to the setting's device, precision and layout, in eval mode.
        exported: path without suffix, below which an exported graph is kept for the next process.

    Raises:
        UserError: see `check_runtime`.
    """
    check_runtime(setting)
    graph = Scoped(net, setting.scope).eval()
    graph = graph.to(setting.device, getattr(torch, setting.precision))
    graph = graph.to(memory_format=memory_format(setting))
    run: Run = import_module(RUNTIMES[setting.runtime].module).prepare(graph, setting, exported)
    return run
