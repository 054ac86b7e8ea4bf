"""What a measurement ran on: machine, versions, commit, free memory. Imports no measured library."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from bench.errors import UserError
from bench.system.installation import checkout_commit, installed_release

_PACKAGES = ("torch", "torchvision", "timm", "fvcore", "ptflops", "numpy", "segmentation_models_pytorch")
_CGROUP = Path("/sys/fs/cgroup")
"""Of version 2 (the Linux kernel's `cgroup-v2.rst`, "Memory Interface Files"); inside a container its root is the
container's own."""


@lru_cache
def machine_facts() -> dict[str, Any]:
    """CPU, cores, memory, GPU and system; no host name and no user."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "gpu": _gpu_model(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def machine_id() -> str:
    """A readable and unique file name for this kind of machine, from its facts."""
    facts = machine_facts()
    gpu = f" {facts['gpu']}" if facts["gpu"] else ""
    readable = re.sub(r"[^a-z0-9]+", "-", f"{facts['cpu']} {facts['cores']} cores{gpu}".lower()).strip("-")
    digest = hashlib.sha256(repr(sorted(facts.items())).encode()).hexdigest()[:6]
    return f"{readable}-{digest}"


@lru_cache
def versions() -> dict[str, str]:
    """Versions of Python and of each library that can change a number."""
    return {"python": platform.python_version(), **{name: installed_version(name) for name in _PACKAGES}}


@dataclass(frozen=True)
class Origin:
    """Where a measurement was made, with what."""

    machine: dict[str, Any]
    machine_id: str
    versions: dict[str, str]

    @classmethod
    def here(cls) -> Origin:
        """This machine."""
        return cls(machine_facts(), machine_id(), versions())


@lru_cache
def commit() -> str:
    """Return where the code that measures comes from, as records say it.

    Returns:
        The commit of the project's own checkout, 12 hex digits and perhaps `+changes`. For any other copy of the code
        the commit that the variable BENCH_COMMIT says. Without it, for an installed package, the commit that pip
        fetched from git, or `version 0.2.0`; else "unknown".

    Raises:
        UserError: BENCH_COMMIT is needed and is no commit.
    """
    return checkout_commit() or _told_commit() or installed_release() or "unknown"


def _told_commit() -> str:
    told = os.environ.get("BENCH_COMMIT", "")
    if told not in ("", "unknown") and not re.fullmatch(r"[0-9a-f]{12}(\+changes)?", told):
        raise UserError(f"BENCH_COMMIT={told!r} is no commit. Give its first 12 digits: git rev-parse --short=12 HEAD.")
    return told


def installed_version(package: str) -> str:
    """Of a package; "missing" where there is none of that name."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        match = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE)
        if match:
            return match[1].strip()
    return platform.processor() or platform.machine()


def _gpu_model() -> str | None:
    """Name of the first NVIDIA GPU as its driver says it; None without one."""
    if shutil.which("nvidia-smi") is None:
        return None
    done = subprocess.run(
        ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.splitlines()[0].strip() if done.returncode == 0 and done.stdout else None


def free_memory(cgroup: Path = _CGROUP) -> int:
    """Bytes. Pages of files that were not used lately count as free, as the machine's own figure has them."""
    free = int(psutil.virtual_memory().available)
    try:
        most, used = ((cgroup / f"memory.{name}").read_text().strip() for name in ("max", "current"))
        stat = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
        return min(free, max(0, int(most) - int(used) + int(stat["inactive_file"])))
    except (OSError, ValueError, KeyError):  # no such accounts, or "max": no limit
        return free
