"""What this machine can measure: one finding a question."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal

from bench.errors import UserError
from bench.system.installation import PROJECT_ROOT, install_command
from bench.system.machine import commit, machine_facts, machine_id, versions

_NEEDED = ("torch", "torchvision", "timm", "fvcore", "ptflops")
_ROOM_GIB = 2


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`missing` stops every sweep; `limited` leaves something out."""

    state: Literal["fine", "limited", "missing"]
    what: str
    fact: str
    mend: str = ""


def diagnose(data_root: Path | None, weights_dir: Path | None) -> list[Finding]:
    """Answer every question; looks, changes nothing."""
    packages = list(_packages())
    torch_loads = any(f.what == "torch" and f.state == "fine" for f in packages)
    gpu = [_gpu()] if torch_loads else []
    findings = [*packages, *_pins(), _machine(), *gpu, _load(), _room(), _commit()]
    if data_root is not None:
        findings.append(_data(data_root))
    if weights_dir is not None:
        findings.append(_weights(weights_dir))
    return findings


def _packages() -> Iterator[Finding]:
    for name in _NEEDED:
        try:
            import_module(name)
        except (ImportError, RuntimeError, OSError) as error:
            yield Finding(state="missing", what=name, fact=f"cannot be loaded: {error}", mend=install_command())
        else:
            yield Finding(state="fine", what=name, fact=versions()[name])


def _pins() -> Iterator[Finding]:
    """Versions other than those that the project was tested with."""
    pins = PROJECT_ROOT / "constraints.txt"
    if not pins.is_file():
        return
    tested = dict(line.split("==") for line in pins.read_text().split() if "==" in line)
    other = [f"{n} {v} (tested: {tested[n]})" for n, v in versions().items() if tested.get(n, v) != v]
    if other:
        yield Finding(state="limited", what="versions", fact=", ".join(other), mend=install_command())


def _machine() -> Finding:
    facts = machine_facts()
    return Finding(
        state="fine",
        what="CPU",
        fact=f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB ({machine_id()})",
    )


def _gpu() -> Finding:
    import torch

    if torch.cuda.is_available():
        return Finding(state="fine", what="GPU", fact=torch.cuda.get_device_name())
    driver = machine_facts()["gpu"]
    if driver:
        return Finding(
            state="limited", what="GPU", fact=f"{driver} is there, but torch cannot use it", mend=install_command()
        )
    return Finding(
        state="limited",
        what="GPU",
        fact="none: GPU latency is left out; run the sweep on a machine with CUDA to add it",
    )


def _load() -> Finding:
    cores = machine_facts()["cores"]
    load = os.getloadavg()[0]
    if load < 0.25 * cores:
        return Finding(state="fine", what="load", fact=f"{load:.2f} on {cores} cores")
    return Finding(
        state="limited",
        what="load",
        fact=f"{load:.2f} on {cores} cores: latencies will be noisy",
        mend="wait, or end other work: top",
    )


def _room() -> Finding:
    free = shutil.disk_usage(".").free / 2**30
    if free >= _ROOM_GIB:
        return Finding(state="fine", what="disk", fact=f"{free:.0f} GiB free")
    return Finding(
        state="limited",
        what="disk",
        fact=f"{free:.1f} GiB free",
        mend="make room, or sweep with --results FOLDER on another disk",
    )


def _commit() -> Finding:
    found = commit()
    if found == "unknown":
        fact = "neither a git checkout nor an installed package: records will say commit unknown"
        return Finding(state="limited", what="commit", fact=fact, mend="git clone the project")
    if found.endswith("+changes"):
        return Finding(
            state="limited", what="commit", fact=f"{found}: measuring code that is not committed", mend="git commit"
        )
    return Finding(state="fine", what="commit", fact=found)


def _data(root: Path) -> Finding:
    from bench.data import open_dataset

    data = open_dataset("camvid", root, {})
    try:
        data.check()
    except UserError as error:
        return Finding(state="missing", what="camvid", fact=str(error))
    return Finding(state="fine", what="camvid", fact=data.describe())


def _weights(folder: Path) -> Finding:
    from variants.backbones.weights import ENDINGS

    names = sorted(path.stem for path in folder.glob("*") if path.suffix in ENDINGS)
    if names:
        return Finding(state="fine", what="weights", fact=", ".join(names))
    return Finding(
        state="missing",
        what="weights",
        fact=f"{folder} holds no weights file",
        mend=f"put TIMM_NAME.safetensors into {folder}",
    )
