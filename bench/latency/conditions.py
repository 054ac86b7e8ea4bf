"""The machine while a latency is measured: what others took of its CPUs, and how fast its clocks ran."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psutil

_SHORTEST_S = 0.2
"""The system counts CPU time in hundredths of a second: over less, a share would be mostly rounding."""


@dataclass(frozen=True, kw_only=True)
class CpuTimes:
    """Seconds since some past moment: of all CPUs that this process may use, and of this process."""

    busy: float
    """CPUs at work for anybody on this machine, this process among them."""
    stolen: float
    """CPUs that the hypervisor gave to other virtual machines."""
    total: float
    own: float
    """Of the measurement itself."""


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """Facts of a measurement; None where the system does not tell.

    others: share of the CPUs that other processes took. stolen: share that other virtual machines took.
    cpu_mhz, gpu_mhz: clocks at the first and the last sample. gpu_max_mhz: the clock that the GPU could have.
    """

    others: float | None = None
    stolen: float | None = None
    cpu_mhz: tuple[float, float] | None = None
    gpu_mhz: tuple[float, float] | None = None
    gpu_max_mhz: float | None = None

    def to_json(self) -> dict[str, Any]:
        """What is known, as JSON values."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class Watch:
    """Looks at the machine when it is made and when it is stopped."""

    def __init__(self, device: str, own: Callable[[], float] = time.process_time) -> None:
        """`own`: CPU seconds that the measurement itself has taken so far."""
        self._own = own
        self._gpu: Callable[[], tuple[float, float] | None] = gpu_clocks if device == "cuda" else lambda: None
        self._gpu_before, self._mhz = self._gpu(), cpu_mhz()
        self._since, self._cpus = time.perf_counter(), cpu_times(own())

    @property
    def lasted(self) -> bool:
        """Whether it has gone on for long enough to tell what others took."""
        return time.perf_counter() - self._since >= _SHORTEST_S

    def stop(self) -> Conditions:
        """What happened since."""
        lasted, cpus = self.lasted, cpu_times(self._own())
        mhz, gpu = cpu_mhz(), self._gpu()
        others, stolen = shares(self._cpus, cpus) if lasted else (None, None)
        return Conditions(
            others=others,
            stolen=stolen,
            cpu_mhz=(self._mhz, mhz) if self._mhz and mhz else None,
            gpu_mhz=(self._gpu_before[0], gpu[0]) if self._gpu_before and gpu else None,
            gpu_max_mhz=gpu[1] if gpu else None,
        )


def shares(before: CpuTimes, after: CpuTimes) -> tuple[float | None, float | None]:
    """Shares of the CPUs that other processes and other virtual machines took between two moments."""
    total = after.total - before.total
    if total <= 0:
        return None, None
    others = (after.busy - before.busy) - (after.own - before.own)
    return round(max(0.0, others / total), 3), round(max(0.0, (after.stolen - before.stolen) / total), 3)


def cpu_times(own: float) -> CpuTimes:
    """Now, of the CPUs that this process may use."""
    there = psutil.cpu_times(percpu=True)
    usable = _usable(len(there))
    cpus = [there[i] for i in usable]
    total = sum(cpu.user + cpu.nice + cpu.system + cpu.idle for cpu in cpus)
    waiting = sum(getattr(cpu, "iowait", 0.0) for cpu in cpus)
    interrupts = sum(getattr(cpu, "irq", 0.0) + getattr(cpu, "softirq", 0.0) for cpu in cpus)
    stolen = sum(getattr(cpu, "steal", 0.0) for cpu in cpus)
    idle = sum(cpu.idle for cpu in cpus)
    return CpuTimes(busy=total - idle + interrupts, stolen=stolen, total=total + waiting + interrupts + stolen, own=own)


def cpu_mhz() -> float | None:
    """The fastest clock of the CPUs that this process may use: that of the one at work."""
    found = psutil.cpu_freq(percpu=True) if hasattr(psutil, "cpu_freq") else []
    clocks = [found[i].current for i in _usable(len(found))] if found else []
    return round(max(clocks), 0) if clocks and max(clocks) > 0 else None


def gpu_clocks() -> tuple[float, float] | None:
    """Clock of torch's GPU and the most that it could have, in MHz, as its driver says; None without one."""
    if shutil.which("nvidia-smi") is None or (card := _card()) is None:
        return None
    query = ["nvidia-smi", f"--id={card}", "--query-gpu=clocks.sm,clocks.max.sm", "--format=csv,noheader,nounits"]
    done = subprocess.run(query, capture_output=True, text=True, check=False)
    try:
        clock, most = map(float, done.stdout.split(","))
    except ValueError:  # a driver that does not tell
        return None
    return clock, most


def _card() -> str | None:
    """The GPU by its UUID: the driver numbers the cards in another order than torch, and torch may not see them all."""
    import torch

    if not torch.cuda.is_available():
        return None
    uuid = str(torch.cuda.get_device_properties(0).uuid)
    return uuid if uuid.startswith("GPU-") else f"GPU-{uuid}"


def _usable(count: int) -> Sequence[int]:
    """Numbers of the CPUs that this process may use, of `count`."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(count)
    return [i for i in range(count) if i in allowed] or range(count)
