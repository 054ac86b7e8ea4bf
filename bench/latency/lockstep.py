"""Networks timed in lock-step: one sample each, in shuffled order, again and again, in processes that start anew.

The noise of a shared machine sits between processes and in spells of time. In lock-step a spell hits all sides of a
cycle alike, and each restart draws all processes anew: what is left in a paired ratio is the networks' own difference.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.errors import UserError
from bench.latency.conditions import Watch
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

    def __init__(self, hosts: Sequence[Host], seed: int, of_project: bool = False) -> None:
        """`of_project`: refuse networks without a line of their host's project, which are the installed ones."""
        self.hosts = hosts
        self.chance = random.Random(seed)  # noqa: S311 - no secret
        self.of_project = of_project

    def restart(self, jobs: Sequence[Job], cycles_for: Callable[[float], int]) -> Restart:
        """Time every side in a new process.

        Args:
            jobs: what each side runs now.
            cycles_for: seconds of one cycle -> how many of them to run.

        Raises:
            SideFailedError: networks that cannot be measured.
            UserError: a network is not of its host's project, and was to be.
        """
        with children(self.hosts, jobs) as facts:
            if self.of_project:
                _refuse_installed(self.hosts, jobs, facts)
            cycles = cycles_for(sum(float(fact["sample_s"]) for fact in facts))
            times: list[list[int]] = [[] for _ in self.hosts]
            for _ in range(cycles):
                order = list(range(len(self.hosts)))
                self.chance.shuffle(order)
                for i in order:
                    times[i].append(take_sample(self.hosts[i]))
        return Restart(tuple(map(tuple, times)), tuple(facts))

    def watch(self, device: str) -> Watch:
        """What others take of the machine from now on: all but this process, the hosts, and their ended children."""
        return Watch(device, lambda: time.process_time() + sum(host.cpu_seconds() for host in self.hosts))

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


def _refuse_installed(hosts: Sequence[Host], jobs: Sequence[Job], facts: Sequence[Mapping[str, object]]) -> None:
    """Installed code against itself would always be unchanged, whatever the revisions are."""
    for host, job, fact in zip(hosts, jobs, facts, strict=True):
        if not fact["of_project"]:
            raise UserError(
                f"nothing of {job.variant} is code of the project in this folder ({host.label}), so revisions of it "
                "would compare the installed code with itself. Run it in the folder of the project under test."
            )


def plan_cycles(cycle_s: float, seconds: float) -> int:
    """Cycles of one restart that fit into `seconds`."""
    return max(_FEWEST, min(_MOST, int((seconds - _OF_A_RESTART) / cycle_s)))
