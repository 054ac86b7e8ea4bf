"""The guard tried on cases whose truth is known: the same code against itself, and one that does a tenth more.

The same code is judged just as the guard judges a change. For the slower one a sample is ten passes of a small network,
and eleven on the slower side: a tenth more of everything that a pass does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from bench.errors import UserError
from bench.guard.latency_run import Effort, Guard, guard_ready
from bench.guard.latency_verdict import Rule, Verdict
from bench.latency.checkout import Checkout
from bench.latency.job import Job
from bench.settings.latency import LatencySetting

PASSES, MORE_PASSES = 10, 11
SMALL_VARIANT, SMALL_SIZE = "lcnet_050+frm34-dnl-w32+fpn32-head16", (64, 64)
"""Of the slower side: ten passes take 20 to 45 ms."""
_TRIALS_A_HOST = 10
"""Trials after which all hosts start anew, as they would in another job."""
_WORK = """
import os, time
block = bytearray(32 << 20)
parent = os.getppid()
while os.getppid() == parent:
    end = time.monotonic() + 0.05
    while time.monotonic() < end:
        bytes(block)
    end = time.monotonic() + 0.05
    while time.monotonic() < end:
        sum(range(1000))
"""
"""In turns it fills the memory's bandwidth and computes; it ends with its parent."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One decision.

    more_work: whether head did a tenth more. seconds: that it took, the start of the hosts included. load: share of the
    CPUs that other processes took meanwhile, a busy neighbour included; None where the system does not tell.
    """

    more_work: bool
    verdict: Verdict
    seconds: float
    load: float | None


def run_trials(
    checkout: Checkout,
    variant: str,
    setting: LatencySetting,
    same: int,
    slower: int,
    effort: Effort,
    rule: Rule,
    busy: bool,
) -> Iterator[Trial]:
    """Judge a variant against itself `same` times, and a slower one `slower` times, in turns.

    Args:
        busy: beside a neighbour that keeps one core at work.

    Raises:
        UserError: the variant cannot be judged.
    """
    kinds = _in_turns(same, slower)
    with busy_neighbour() if busy else nullcontext():
        for first in range(0, len(kinds), _TRIALS_A_HOST):
            begun = time.monotonic()
            with guard_ready(checkout, checkout, setting=setting, effort=effort, rule=rule) as guard:
                starting = time.monotonic() - begun
                for more_work in kinds[first : first + _TRIALS_A_HOST]:
                    start, watch = time.monotonic(), guard.ready.watch(setting.device)
                    verdict = _slower(guard) if more_work else _same(guard, variant)
                    load = watch.stop().others
                    yield Trial(
                        more_work=more_work, verdict=verdict, seconds=starting + time.monotonic() - start, load=load
                    )


def _in_turns(same: int, slower: int) -> list[bool]:
    """So many False and True, spread evenly."""
    places = [((i + 0.5) / same, False) for i in range(same)] + [((i + 0.5) / slower, True) for i in range(slower)]
    return [more_work for _, more_work in sorted(places)]


def _same(guard: Guard, variant: str) -> Verdict:
    judged = guard.judge_variant(variant)
    if judged.verdict is None:
        raise UserError(f"{variant} cannot be judged: {judged.reason}")
    return judged.verdict


def _slower(guard: Guard) -> Verdict:
    setting = guard.setting.replace(size=SMALL_SIZE)
    exports = str(guard.exports / "small")
    jobs = [
        Job(variant=SMALL_VARIANT, setting=setting, exported=exports, passes=passes)
        for passes in (PASSES, PASSES, MORE_PASSES)
    ]
    return guard.judge_jobs(jobs)


@contextmanager
def busy_neighbour() -> Iterator[None]:
    """Run it on the last core that this process may use, where the system can bind processes."""
    process = subprocess.Popen([sys.executable, "-c", _WORK])
    try:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
        yield
    finally:
        process.kill()
        process.wait()
