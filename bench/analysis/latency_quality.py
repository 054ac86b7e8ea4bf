"""Whether a measured latency can be trusted: doubts in plain words, each with what to do. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

MOST_TAKEN_BY_OTHERS = 0.10
"""Share of the CPUs. The sweep's own parent and a quiet system stay below 0.03; beside one busy core of ten a latency
already moves with the shared memory bandwidth."""
MOST_STOLEN = 0.02
"""Share of the CPUs. What another virtual machine takes stops the network itself, so it adds to the time as it is."""
MOST_DRIFT = 0.05
"""The last third of the samples over the first. Two processes differ by as much in a fifth of the pairs: beyond it the
number depends on when the clock was stopped."""
LEAST_OF_CLOCK = 0.95
"""Share that a clock must keep from the first sample to the last: a time grows as its clock falls."""
LEAST_OF_GPU_CLOCK = 0.75
"""Share of its highest clock that a GPU must have: under load they run somewhat below; a capped one runs far below."""
WIDEST_WITHIN = 0.15
"""Distance of the quartiles over the median, of one process. A quiet machine shows 0.02 to 0.07."""
WIDEST_BETWEEN = 0.10
"""The spread that is shown over the median, of several processes. Pairs of processes on a shared machine differ by more
than 0.05 in a fifth of the cases: twice that is no longer the ordinary."""
_FEWEST_FOR_DRIFT = 9
"""Samples: of thirds that are smaller the medians say nothing."""
_FEWEST_FOR_SPREAD = 5


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """Why a number may be wrong.

    kind: the same in every record that has it. size: how much of it, 0 where there is no telling. fact: with `{}` for
    the size. mend: what to do.
    """

    kind: str
    size: float
    fact: str
    mend: str

    @property
    def words(self) -> str:
        """The fact, for one record."""
        return self.fact.format(percent(self.size))


_MENDS = {
    "others": "end them",
    "stolen": "measure at a quieter hour or on a machine of your own",
    "drift": "let the machine cool, and see that no other job starts meanwhile",
    "clock": "let it cool, and set a fixed clock (`cpupower frequency-set -g performance`)",
    "gpu clock": "let it cool, and lock its clock (`nvidia-smi --lock-gpu-clocks`)",
    "gpu cap": "raise its power limit, or lock its clock and say so",
    "within": "look for other jobs on the machine",
    "warm-up": "look for other jobs on the machine",
    "between": "raise `restarts`, on an idle machine",
}
_FACTS = {
    "others": "other processes took {} of the CPUs meanwhile",
    "stolen": "other virtual machines took {} of the CPUs meanwhile",
    "drift": "the last samples were {} slower than the first",
    "clock": "the clock of the CPU fell by {}",
    "gpu clock": "the clock of the GPU fell by {}",
    "gpu cap": "the GPU ran {} below its highest clock",
    "within": "the quartiles of a process are {} of its median apart",
    "warm-up": "passes still got faster when the warm-up was given up",
    "between": "processes spread by {} of their median",
}


def doubt(kind: str, size: float) -> Doubt:
    """A doubt of a kind."""
    return Doubt(kind=kind, size=size, fact=_FACTS[kind], mend=_MENDS[kind])


def doubts_of(details: Mapping[str, Any]) -> list[Doubt]:
    """What is doubtful about one process's measurement, by the facts in its record.

    A record of before these facts were kept has none.
    """
    if "conditions" not in details:
        return []
    settled = details["warmup"]["settled"]
    found = [*doubts_of_conditions(details["conditions"]), *_of_samples(details["samples_ms"])]
    return found if settled else [*found, doubt("warm-up", 0.0)]


def doubts_of_conditions(facts: Mapping[str, Any]) -> list[Doubt]:
    """What is doubtful about a measurement under such `bench.latency.conditions.Conditions`."""
    found = []
    if facts.get("others", 0) > MOST_TAKEN_BY_OTHERS:
        found.append(doubt("others", facts["others"]))
    if facts.get("stolen", 0) > MOST_STOLEN:
        found.append(doubt("stolen", facts["stolen"]))
    for kind, name in (("clock", "cpu_mhz"), ("gpu clock", "gpu_mhz")):
        first, last = facts.get(name, (1.0, 1.0))
        if last < LEAST_OF_CLOCK * first:
            found.append(doubt(kind, 1 - last / first))
    clock, most = facts.get("gpu_mhz", (0.0, 0.0))[1], facts.get("gpu_max_mhz")
    if clock and most and clock < LEAST_OF_GPU_CLOCK * most:
        found.append(doubt("gpu cap", 1 - clock / most))
    return found


def _of_samples(samples: Sequence[float]) -> list[Doubt]:
    found = []
    moved, spread = drift(samples), spread_within(samples)
    if moved is not None and moved > MOST_DRIFT:
        found.append(doubt("drift", moved))
    if spread is not None and spread > WIDEST_WITHIN:
        found.append(doubt("within", spread))
    return found


def between_processes(medians: Sequence[float], low: float, high: float) -> list[Doubt]:
    """What is doubtful about the spread of several processes, which is shown as `low` to `high`."""
    spread = (high - low) / median(medians)
    return [doubt("between", spread)] if len(medians) > 1 and spread > WIDEST_BETWEEN else []


def drift(samples: Sequence[float]) -> float | None:
    """How much slower the last third of the samples was than the first; None of too few."""
    if len(samples) < _FEWEST_FOR_DRIFT:
        return None
    third = len(samples) // 3
    return median(samples[-third:]) / median(samples[:third]) - 1


def spread_within(samples: Sequence[float]) -> float | None:
    """Distance of the quartiles over the median; None of too few samples."""
    if len(samples) < _FEWEST_FOR_SPREAD:
        return None
    low, middle, high = quantiles(samples, n=4, method="inclusive")
    return (high - low) / middle


def percent(share: float) -> str:
    """0.4132 -> "41 %"; below ten per cent with a digit."""
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1f} %"
