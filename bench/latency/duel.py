"""Two networks against each other in lock-step: variants, runtimes, or revisions of the code."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.latency.checkout import WORKING_TREE, Checkout, checked_out
from bench.latency.conditions import Conditions
from bench.latency.hosts import started
from bench.latency.job import Job
from bench.latency.lockstep import LockStep
from bench.latency.runtimes import check_runtime
from bench.settings.latency import LatencySetting
from bench.stats.paired_ratio import Ratio, paired_log, ratio


@dataclass(frozen=True)
class Duellist:
    """A side: a variant under a setting, with the code of a revision."""

    variant: str
    setting: LatencySetting
    revision: str


@dataclass(frozen=True, kw_only=True)
class Duel:
    """What came out. ratio: time of b over a. a_ms, b_ms: medians of all samples.

    times_ns: by restart, then side, then cycle. conditions: of the machine meanwhile.
    """

    a: Duellist
    b: Duellist
    ratio: Ratio
    a_ms: float
    b_ms: float
    times_ns: tuple[tuple[tuple[int, ...], ...], ...]
    conditions: Conditions

    @property
    def restarts(self) -> int:
        return len(self.times_ns)

    @property
    def cycles(self) -> int:
        return min(len(times[0]) for times in self.times_ns)


def fight(a: Duellist, b: Duellist, restarts: int, seconds: float, on_restart: Callable[[int], None]) -> Duel:
    """Time both in lock-step, in restarts that fit into `seconds` together.

    Raises:
        UserError: a runtime or revision that is not there; a revision of another project than the variants'.
        SideFailedError: a side that cannot be measured.
    """
    for one in (a, b):
        check_runtime(one.setting)
    with ExitStack() as stack:
        checkouts = _check_out(stack, a, b)
        exports = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        hosts = stack.enter_context(started([(side, c.root) for side, c in zip("AB", checkouts, strict=True)]))
        ready = LockStep(hosts, seed=0, of_project=any(one.revision != WORKING_TREE for one in (a, b)))
        jobs = [
            Job(variant=one.variant, setting=one.setting, exported=str(exports / side))
            for side, one in (("a", a), ("b", b))
        ]
        times, watch = [], ready.watch("cuda" if "cuda" in {a.setting.device, b.setting.device} else "cpu")
        for restart in ready.run(jobs, restarts, seconds):
            times.append(restart)
            on_restart(len(times))
        conditions = watch.stop()
    logs = [paired_log(second, first) for first, second in times]
    a_ms, b_ms = (median(ns for pair in times for ns in pair[side]) / 1e6 for side in (0, 1))
    return Duel(a=a, b=b, ratio=ratio(logs), a_ms=a_ms, b_ms=b_ms, times_ns=tuple(times), conditions=conditions)


def _check_out(stack: ExitStack, a: Duellist, b: Duellist) -> list[Checkout]:
    revisions = dict.fromkeys((a.revision, b.revision))
    found = {revision: stack.enter_context(checked_out(revision)) for revision in revisions}
    return [found[a.revision], found[b.revision]]
