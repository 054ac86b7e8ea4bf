"""What a runtime cannot do on this machine, told before any work."""

from __future__ import annotations

import os
import shutil

import torch

from bench.errors import UserError
from bench.settings.latency import LatencySetting
from bench.settings.runtimes import RUNTIME_LABELS, Precision


def check_limits(setting: LatencySetting) -> None:
    """Refuse a setting that the machine or the runtime cannot serve; the runtime's packages are there.

    Raises:
        UserError: what is missing, and what works instead.
    """
    if setting.device == "cuda" and not torch.cuda.is_available():
        raise UserError(
            f"runtime {setting.runtime!r} is asked for on cuda, and torch {torch.__version__} sees no CUDA device "
            "here. `--device cpu` measures on the CPU."
        )
    if setting.device == "cpu" and setting.runtime == "compile":
        check_compiler()
    if setting.precision != "float32" and setting.precision not in _precisions(setting):
        raise UserError(
            f"{RUNTIME_LABELS[setting.runtime]} is of no use here in {setting.precision}. It serves "
            f"{', '.join(_precisions(setting))} on this CPU; `--runtime eager` serves every precision."
        )


def check_compiler() -> None:
    """Refuse torch.compile on a CPU where the compiler that it would call is missing.

    Raises:
        UserError: it is.
    """
    name = os.environ.get("CXX", "g++")
    if shutil.which(name) is None:
        raise UserError(
            f"torch.compile needs a C++ compiler, and {name!r} is not installed. Install it, or name another one: "
            "`CXX=clang++ bench ...`."
        )


def _precisions(setting: LatencySetting) -> tuple[Precision, ...]:
    """Those that a runtime really computes in."""
    if setting.runtime == "onnxruntime":
        return ("float32",)  # on x86 it has next to no half kernels: it would convert to float32 and back
    if setting.runtime == "openvino":
        from bench.latency.runtimes.open_vino import precisions

        return precisions()
    return ("float32", "bfloat16", "float16")
