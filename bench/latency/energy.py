"""Energy counters of the machine: RAPL of the processor packages, NVML of the GPU. Read, never guessed.

A counter covers the whole package or card, whatever else runs there, so what is measured is an upper bound of what the
network took; on an idle machine, with what idling takes.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SPAN_S = 2.0
"""Over which passes are repeated: a GPU's counter moves in steps of a tenth of a second (an H100: of 14 joules)."""
RAPL = Path("/sys/class/powercap")
_MICRO = 1e-6
_MILLI = 1e-3


@dataclass(frozen=True)
class Counter:
    """Joules since some past moment. wraps_at: where it starts anew; None: it does not."""

    joules: float
    wraps_at: float | None = None

    def since(self, before: Counter) -> float:
        """Joules between two readings; a counter that has wrapped did so once."""
        spent = self.joules - before.joules
        return spent + self.wraps_at if spent < 0 and self.wraps_at else spent


Readings = dict[str, Counter]
"""By package or card."""


@dataclass(frozen=True)
class Energy:
    """Joules that the whole processor or GPU took while passes followed each other without a pause."""

    joules: float
    passes: int
    seconds: float


def measure_energy(
    one: Callable[[], object], counters: Callable[[], Readings], span_s: float = SPAN_S
) -> Energy | None:
    """Repeat a pass for a while between two readings; None, at once, where the counters tell nothing.

    Args:
        one: a pass, to its end on the device.
        counters: of the device, by `energy_counters`.
    """
    before, start, passes = counters(), time.perf_counter(), 0
    if not before:
        return None
    while (seconds := time.perf_counter() - start) < span_s:
        one()
        passes += 1
    joules = joules_between(before, counters())
    return None if joules is None else Energy(round(joules, 4), passes, round(seconds, 4))


def energy_counters(device: str) -> Callable[[], Readings]:
    """What reads the counters that a device has: empty where the machine has none, or keeps them from its users."""
    return _read_gpu if device == "cuda" else _read_packages


def joules_between(before: Readings, after: Readings) -> float | None:
    """Over all counters; None without any."""
    spent = [after[name].since(counter) for name, counter in before.items() if name in after]
    return sum(spent) if spent else None


def _read_packages() -> Readings:
    """The top domains of RAPL (Intel, and AMD since Linux 5.8): a package holds its cores and caches."""
    found: Readings = {}
    for domain in sorted(RAPL.glob("*-rapl:[0-9]*")):
        if domain.name.count(":") > 1:  # part of a package
            continue
        try:
            if not (domain / "name").read_text().startswith("package"):
                continue
            joules, wraps = (int((domain / name).read_text()) for name in ("energy_uj", "max_energy_range_uj"))
        except (OSError, ValueError):  # kept for the superuser, or not there
            continue
        found[domain.name] = Counter(joules * _MICRO, wraps * _MICRO)
    return found


def _read_gpu() -> Readings:
    """The first GPU's counter since its driver was loaded (NVML, from Volta on)."""
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return {}
    handle, millijoules = ctypes.c_void_p(), ctypes.c_ulonglong()
    if nvml.nvmlInit_v2() or nvml.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(handle)):
        return {}
    failed = nvml.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(millijoules))
    return {} if failed else {"gpu": Counter(millijoules.value * _MILLI)}
