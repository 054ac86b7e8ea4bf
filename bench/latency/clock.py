"""Latency of a network on this machine, in one process: built, warmed up until stable, timed pass by pass.

One process is one draw of several: much of the noise sits between processes, not within one. They may be forked from
one server, since each lays its memory out anew (`bench.latency.memory_layout`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.latency.conditions import Conditions, Watch
from bench.latency.energy import Energy, energy_counters, measure_energy
from bench.latency.memory_layout import memory_laid_out_anew
from bench.latency.parity import Parity
from bench.latency.runtimes import prepare_checked
from bench.latency.scope import make_pass, wait_for
from bench.latency.warmup import WarmUp, warm_up
from bench.settings.latency import LatencySetting
from variants.network import Network

_PASSES = 16


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What one process measured.

    samples_ms: in the order of measurement. parity: of another runtime than eager, with eager. device_ms: of passes
    after these, by the device's own events; None on a CPU.
    """

    samples_ms: list[float]
    warm: WarmUp
    conditions: Conditions
    parity: Parity | None = None
    device_ms: list[float] | None = None
    energy: Energy | None = None
    """None where the machine has no counters."""

    def to_json(self) -> dict[str, Any]:
        """For the details of a record; `bench.analysis.latency_quality` reads it."""
        return {
            "samples_ms": [round(sample, 3) for sample in self.samples_ms],
            "warmup": asdict(self.warm),
            "conditions": self.conditions.to_json(),
            **({"device_ms": [round(sample, 3) for sample in self.device_ms]} if self.device_ms else {}),
            **({"parity": asdict(self.parity)} if self.parity else {}),
            **({"energy": asdict(self.energy)} if self.energy else {}),
        }


def measure_latency(
    make_net: Callable[[], Network],
    setting: LatencySetting,
    samples: int,
    exported: Path,
) -> Timing:
    """Time passes of a network one by one.

    Args:
        make_net: builds it, where its memory is to lie.
        setting: with what it is run.
        samples: passes that are timed.
        exported: path without suffix, below which an exported graph is kept for the next process.

    Raises:
        UserError: the runtime is not there, cannot take the network, or gives something else than eager.
    """
    torch.set_num_threads(setting.threads)
    with memory_laid_out_anew():
        run, parity = prepare_checked(make_net().eval(), setting, exported)
        with torch.inference_mode():
            return _time_passes(make_pass(run, setting), setting.device, samples, parity)


def _time_passes(run: Callable[[], Tensor], device: str, samples: int, parity: Parity | None) -> Timing:
    wait = wait_for(device)

    def one() -> None:
        run()
        wait()

    warm = warm_up(one)
    watch = Watch(device)
    times = [_milliseconds(one) for _ in range(samples)]
    device_ms = event_milliseconds(run) if device == "cuda" else None
    while not watch.lasted:  # or nobody could tell what others took
        one()
    conditions = watch.stop()
    return Timing(
        samples_ms=times,
        warm=warm,
        conditions=conditions,
        parity=parity,
        device_ms=device_ms,
        energy=measure_energy(one, energy_counters(device)),
    )


def _milliseconds(one: Callable[[], None]) -> float:
    """Of one pass, to its end on the device."""
    start = time.perf_counter_ns()
    one()
    return (time.perf_counter_ns() - start) / 1e6


def event_milliseconds(run: Callable[[], object]) -> list[float]:
    """Of some passes, each waited for. From the wall clock they differ by what the host does before and after the GPU.

    Raises:
        RuntimeError: there is no CUDA device.
    """
    found = []
    for _ in range(_PASSES):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        start.record()
        run()
        end.record()
        end.synchronize()
        found.append(float(start.elapsed_time(end)))
    return found
