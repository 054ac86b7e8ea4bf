"""Networks timed in lock-step: one sample each, in shuffled order, again and again, in processes that start anew.

The noise of a shared machine sits between processes and in spells of time. In lock-step a spell hits all sides of a
cycle alike, and each restart draws all processes anew: what is left in a paired ratio is the networks' own difference.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.latency.hosts import Host, children, take_sample
from bench.latency.job import Job

_FEWEST, _MOST = 5, 11
"""Cycles of a restart. Between processes lies more noise than within one, so restarts come before cycles."""
_MORE = 3
"""Times the restarts that are asked for, at most."""
_OF_A_RESTART = 0.7
"""Seconds that a restart takes beside its passes."""


@dataclass(frozen=True)
class Restart:
    """times_ns: by side, then by cycle, which have the same place in every side. facts: of each side's process."""

    times_ns: tuple[tuple[int, ...], ...]
    facts: tuple[dict[str, object], ...]


class LockStep:
    """Hosts, a side each, ready to time jobs in as many restarts as are asked for."""

    def __init__(self, hosts: Sequence[Host], seed: int) -> None:
        self.hosts = hosts
        self.chance = random.Random(seed)  # noqa: S311 - no secret

    def restart(self, jobs: Sequence[Job], cycles_for: Callable[[float], int]) -> Restart:
        """Time every side in a new process.

        Args:
            jobs: what each side runs now.
            cycles_for: seconds of one cycle -> how many of them to run.

        Raises:
            SideFailedError: a network that cannot be measured.
        """
        with children(self.hosts, jobs) as facts:
            cycles = cycles_for(sum(float(fact["sample_s"]) for fact in facts))
            times: list[list[int]] = [[] for _ in self.hosts]
            for _ in range(cycles):
                order = list(range(len(self.hosts)))
                self.chance.shuffle(order)
                for i in order:
                    times[i].append(take_sample(self.hosts[i]))
        return Restart(tuple(map(tuple, times)), tuple(facts))

    def run(self, jobs: Sequence[Job], restarts: int, seconds: float) -> Iterator[Restart]:
        """Time all sides in one restart after the other, for as long as somebody wants more.

        Slow networks get fewer cycles, so that `restarts` of them fit into `seconds`. The time that is then left goes
        into more restarts, up to three times as many.
        """
        end = time.monotonic() + seconds
        for done in range(_MORE * restarts):
            if done >= restarts and time.monotonic() >= end:
                return
            yield self.restart(jobs, lambda cycle_s: plan_cycles(cycle_s, seconds / restarts))


def plan_cycles(cycle_s: float, seconds: float) -> int:
    """Cycles of one restart that fit into `seconds`."""
    return max(_FEWEST, min(_MOST, int((seconds - _OF_A_RESTART) / cycle_s)))
