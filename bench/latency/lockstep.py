"""Networks timed in lock-step: one sample each, in shuffled order, again and again, in processes that start anew.

The noise of a shared machine sits between processes and in spells of time. In lock-step a spell hits all sides of a
cycle alike, and each restart forks all processes anew from their hosts: what is left in a paired ratio is the networks'
own difference, and some half a per cent between the hosts themselves, which live as long as the job.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from bench.errors import UserError
from bench.latency.conditions import Watch
from bench.latency.hosts import Host, children, take_sample
from bench.latency.job import Job

_FEWEST_CYCLES, _MOST_CYCLES = 2, 11
"""Of a restart. Between processes lies more noise than within one, so restarts come before cycles."""
_FEWEST_RESTARTS = 3
"""Two would tell next to nothing of the spread between restarts."""


Times = tuple[tuple[int, ...], ...]
"""Nanoseconds of a restart by side, then by cycle, which have the same place in every side."""


class LockStep:
    """Hosts, a side each, ready to time jobs in as many restarts as are asked for."""

    def __init__(self, hosts: Sequence[Host], seed: int, of_project: bool = False) -> None:
        """`of_project`: refuse networks without a line of their host's project, which are the installed ones."""
        self.hosts = hosts
        self.chance = random.Random(seed)  # noqa: S311 - no secret
        self.of_project = of_project

    def restart(self, jobs: Sequence[Job], seconds: float) -> Times:
        """Time every side in a new process.

        Args:
            jobs: what each side runs now.
            seconds: that it may take, the start and warm-up of the processes included. Cycles may take as long as these
                in any case: fewer would waste the preparation, and more the time for restarts.

        Raises:
            SideFailedError: networks that cannot be measured.
            UserError: a network is not of its host's project, and was to be.
        """
        start = time.monotonic()
        with children(self.hosts, jobs) as facts:
            if self.of_project:
                _refuse_installed(self.hosts, jobs, facts)
            times: list[list[int]] = [[] for _ in self.hosts]
            ready = time.monotonic()
            for _ in cycles_until(max(start + seconds, ready + (ready - start))):
                order = list(range(len(self.hosts)))
                self.chance.shuffle(order)
                for i in order:
                    times[i].append(take_sample(self.hosts[i]))
        return tuple(map(tuple, times))

    def watch(self, device: str) -> Watch:
        """What others take of the machine from now on: all but this process, the hosts, and their ended children."""
        return Watch(device, lambda: time.process_time() + sum(host.cpu_seconds() for host in self.hosts))

    def run(self, jobs: Sequence[Job], restarts: int, seconds: float) -> Iterator[Times]:
        """Time all sides in one restart after the other, for as long as somebody wants more and there is time.

        Slow networks get fewer cycles a restart, and where so many restarts do not fit into `seconds`, fewer of these
        too, but three. What is exported or compiled once, before the first restart, is not counted.
        """
        if any(job.setting.runtime != "eager" for job in jobs):
            with children(self.hosts, jobs):
                pass
        end, last = time.monotonic() + seconds, 0.0
        for done in range(restarts):
            start = time.monotonic()
            if done >= _FEWEST_RESTARTS and start + last > end:
                return
            yield self.restart(jobs, seconds / restarts)
            last = time.monotonic() - start


def _refuse_installed(hosts: Sequence[Host], jobs: Sequence[Job], facts: Sequence[Mapping[str, object]]) -> None:
    """Installed code against itself would always be unchanged, whatever the revisions are."""
    for host, job, fact in zip(hosts, jobs, facts, strict=True):
        if not fact["of_project"]:
            raise UserError(
                f"nothing of {job.variant} is code of the project in this folder ({host.label}), so revisions of it "
                "would compare the installed code with itself. Run it in the folder of the project under test."
            )


def cycles_until(end: float, clock: Callable[[], float] = time.monotonic) -> Iterator[int]:
    """The fewest cycles, and more for as long as another like the last would end by `end`.

    How long they take must be seen: in the warm-up, side by side on few cores, a pass takes up to twice as long.
    """
    last = 0.0
    for done in range(_MOST_CYCLES):
        start = clock()
        if done >= _FEWEST_CYCLES and start + last > end:
            return
        yield done
        last = clock() - start
