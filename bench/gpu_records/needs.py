"""What a machine must have before a step starts. Loads the standard library alone, so that it answers anywhere."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]
_NOTHING_MEASURED = 3
"""`bench.errors.ExitCode.NOTHING_MEASURED`, which is not loaded here."""
_LOADED = ("torch", "bench.sweep.measure", "bench.sweep.prepare", "bench.latency.host", "bench.render.sweep.report")
"""What the steps load: a package that one of these needs in turn shows here whether it is there."""
_LOOK = f"import {', '.join(_LOADED)}; print(torch.__version__, torch.cuda.is_available())"


def missing_packages(project: Path = PROJECT_ROOT) -> list[str]:
    """Return the packages that the project's `pyproject.toml` asks for and that are not installed."""
    declared = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = [re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in declared]
    return [name for name in names if not _is_installed(name)]


def refuse_missing_packages(project: Path = PROJECT_ROOT) -> None:
    """End this process with exit code 3 where packages are missing, and name them."""
    if missing := missing_packages(project):
        sys.stderr.write(
            f"gpu-records: {sys.executable} lacks {', '.join(missing)}. `make gpu-records` installs them into .venv; "
            "without a network, carry them in a folder on PYTHONPATH (docs/latency.md, GPU records).\n"
        )
        sys.exit(_NOTHING_MEASURED)


def missing_gpu() -> str | None:
    """Return in words why nothing can be measured on a GPU here; None where it can."""
    return _missing_in_driver() or _missing_in_torch()


def child_environment() -> dict[str, str]:
    """Return the environment of a process in which this project can be imported, whatever its folder is."""
    given = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    paths = [PROJECT_ROOT, *(Path(path).resolve() for path in given)]
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _missing_in_driver() -> str | None:
    """Ask the NVIDIA driver itself, which answers at once; torch takes seconds to load."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "no NVIDIA driver is installed here (libcuda.so.1 is not found)"
    count = ctypes.c_int(0)
    if (code := driver.cuInit(0)) or (code := driver.cuDeviceGetCount(ctypes.byref(count))):
        return f"the NVIDIA driver finds no GPU here (error {code})"
    return None if count.value else "the NVIDIA driver finds no GPU here"


def _missing_in_torch() -> str | None:
    """Ask torch in a process of its own: the one that starts the steps should not hold the GPU."""
    done = subprocess.run(
        [sys.executable, "-c", _LOOK], capture_output=True, text=True, check=False, env=child_environment()
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        return f"what the steps need cannot be loaded: {said[-1]}"
    number, there = done.stdout.split()[-2:]
    return None if there == "True" else f"torch {number} sees no CUDA device, though the NVIDIA driver has one"
