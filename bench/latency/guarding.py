"""The guard at work: base, base again and head in lock-step, variant by variant, each judged by its own job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.judge.latency_guard import JudgedVariant
from bench.judge.latency_verdict import Rule, Times, Verdict, judge
from bench.latency.checkout import Checkout
from bench.latency.hosts import SideFailedError, started
from bench.latency.job import Job
from bench.latency.lockstep import LockStep
from bench.latency.setting import LatencySetting

BASE, AGAIN, HEAD = "base", "base again", "head"


@dataclass(frozen=True)
class Effort:
    """How much a verdict may cost: restarts at least, more while it is unclear, and the seconds for all of them."""

    restarts: int = 7
    seconds: float = 45.0


@dataclass(frozen=True)
class Guard:
    """Hosts of both checkouts with torch loaded, two of the base, and how variants are judged by them.

    exports: folder in which exported graphs are kept from restart to restart.
    """

    ready: LockStep
    setting: LatencySetting
    exports: Path
    effort: Effort
    rule: Rule

    def judge_variant(self, name: str) -> JudgedVariant:
        """Time one variant in all checkouts and judge it."""
        jobs = [Job(name, self.setting, str(self.exports / side / name)) for side in ("base", "again", "head")]
        try:
            verdict = self.judge_jobs(jobs)
        except SideFailedError as error:
            return JudgedVariant(
                name, "broken" if error.label == HEAD else "new", reason=f"{error.label} cannot run it: {error.reason}"
            )
        return JudgedVariant(name, verdict.state, verdict, verdict.reason)

    def judge_jobs(self, jobs: Sequence[Job]) -> Verdict:
        """Time base, base again and head; where the first look is unclear, look again when the effort is spent.

        Between the two looks only "unchanged" ends the job early: an alarm at any of many looks would come too often.

        Raises:
            SideFailedError: one of them cannot be measured.
        """
        times: list[Times] = []
        for restart in self.ready.run(jobs, self.effort.restarts, self.effort.seconds):
            times.append(restart.times_ns)
            if len(times) < self.effort.restarts:
                continue
            verdict = judge(times, self.rule)
            first = len(times) == self.effort.restarts
            if verdict.state == "unchanged" or (first and verdict.state != "unclear"):
                return verdict
        return judge(times, self.rule, looks=2)


@contextmanager
def guard_ready(
    base: Checkout, head: Checkout, setting: LatencySetting, effort: Effort, rule: Rule
) -> Iterator[Guard]:  # fmt: skip
    """Start the hosts.

    Raises:
        SideFailedError: a checkout cannot be loaded.
    """
    sides = [(BASE, base.root), (AGAIN, base.root), (HEAD, head.root)]
    with TemporaryDirectory(prefix="bench-") as folder, started(sides) as hosts:
        yield Guard(LockStep(hosts, seed=0), setting, Path(folder), effort, rule)
