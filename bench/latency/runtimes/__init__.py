"""Runtimes by name: what runs the graph of a network.

A runtime is a module here with `prepare(graph, setting, exported) -> Run`: a graph in eval mode, in the setting's
precision and layout, on the setting's device; the setting; and a path (without suffix) below which what was exported is
kept for the next process. The output may be overwritten by the next pass. All but eager have `prepare_logits` of the
same form, which gives the logits of a graph that ends with the arg-max, so that they can be compared with eager's.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import torch

from bench.errors import UserError
from bench.latency.parity import Parity, check_parity
from bench.latency.runtimes.limits import check_limits
from bench.latency.scope import Run, Scoped, memory_format
from bench.settings.latency import LatencySetting
from bench.settings.runtimes import RUNTIME_LABELS, RUNTIME_PACKAGES, RUNTIMES_OF, RuntimeName
from variants.network import Network


@dataclass(frozen=True)
class RuntimeEntry:
    """Where a runtime is, and the extra that installs the packages which it needs beyond torch."""

    module: str
    extra: str | None = None


RUNTIMES: dict[RuntimeName, RuntimeEntry] = {
    "eager": RuntimeEntry("bench.latency.runtimes.eager"),
    "compile": RuntimeEntry("bench.latency.runtimes.compiled"),
    "onnxruntime": RuntimeEntry("bench.latency.runtimes.onnx_runtime", "onnx"),
    "openvino": RuntimeEntry("bench.latency.runtimes.open_vino", "openvino"),
    "cudagraph": RuntimeEntry("bench.latency.runtimes.cuda_graph"),
}


def check_runtime(setting: LatencySetting) -> None:
    """Refuse a runtime that the device does not have, whose packages are not installed, or that cannot serve it.

    Raises:
        UserError: naming the runtimes of the device, the extra, or what works instead.
    """
    entry = RUNTIMES[setting.runtime]
    there = RUNTIMES_OF[setting.device]
    if setting.runtime not in there:
        raise UserError(
            f"runtime {setting.runtime!r} does not run on {setting.device}. Those that do: {', '.join(there)}."
        )
    missing = [name for name in RUNTIME_PACKAGES[setting.runtime] if find_spec(name) is None]
    if missing:
        raise UserError(
            f"runtime {setting.runtime!r} needs {', '.join(missing)}, not installed here. "
            f"`pip install 'segmentation-bench[{entry.extra}]'` installs {RUNTIME_LABELS[setting.runtime]}."
        )
    check_limits(setting)


def prepare_checked(net: Network, setting: LatencySetting, exported: Path) -> tuple[Run, Parity | None]:
    """A network ready to run by a runtime, as the setting has it, and how near it is to eager; None for eager itself.

    Args:
        net: moved to the setting's device, precision and layout, in eval mode.
        exported: path without suffix, below which an exported graph is kept for the next process.

    Raises:
        UserError: see `check_runtime`; or the runtime cannot take the network, or gives something else than eager.
    """
    check_runtime(setting)
    graph = _place(net, setting)
    runtime = import_module(RUNTIMES[setting.runtime].module)
    run: Run = runtime.prepare(graph, setting, exported)
    if setting.runtime == "eager":
        return run, None
    return run, check_parity(graph, run, lambda: runtime.prepare_logits(graph, setting, exported), setting)


def _place(net: Network, setting: LatencySetting) -> Scoped:
    """The scope's graph where and as the setting wants it; of tensors that exporters may trace, whoever calls."""
    graph = Scoped(net, setting.scope).eval()
    with torch.inference_mode(False):
        graph = graph.to(setting.device, getattr(torch, setting.precision))
        return graph.to(memory_format=memory_format(setting))
