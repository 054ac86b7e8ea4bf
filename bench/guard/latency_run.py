"""The guard at work: base, base again and head in lock-step, variant by variant, each judged by its own job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.guard.latency_report import JudgedVariant
from bench.guard.latency_verdict import Rule, Verdict, judge_in_looks
from bench.latency.checkout import Checkout
from bench.latency.hosts import SideFailedError, started
from bench.latency.job import Job
from bench.latency.lockstep import LockStep
from bench.settings.latency import LatencySetting

_MORE = 3
"""Times the restarts of the first look, at most."""
BASE, AGAIN, HEAD = "base", "base again", "head"


@dataclass(frozen=True)
class Effort:
    """How much a verdict may cost: restarts up to the first look, more while it is unclear, seconds for all of it."""

    restarts: int = 7
    seconds: float = 45.0


@dataclass(frozen=True, kw_only=True)
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
        jobs = [
            Job(variant=name, setting=self.setting, exported=str(self.exports / side / name))
            for side in ("base", "again", "head")
        ]
        try:
            verdict = self.judge_jobs(jobs)
        except SideFailedError as error:
            return without_verdict(name, error)
        return JudgedVariant(name=name, state=verdict.state, verdict=verdict, reason=verdict.reason)

    def judge_jobs(self, jobs: Sequence[Job]) -> Verdict:
        """Time base, base again and head, and judge them in two looks at most.

        Networks too slow for that many restarts in those seconds are looked at once, when the time is up.

        Raises:
            SideFailedError: some of them cannot be measured.
        """
        restarts = self.ready.run(jobs, _MORE * self.effort.restarts, self.effort.seconds)
        return judge_in_looks(restarts, self.effort.restarts, self.rule)


def without_verdict(name: str, error: SideFailedError) -> JudgedVariant:
    """A variant that could not be measured.

    Broken or new where that is the code's doing, and of one revision alone; a name that no revision takes is the
    user's.
    """
    failed = {failure.label for failure in error.failures}
    first = error.failures[0]
    if any(failure.from_outside for failure in error.failures):
        return JudgedVariant(
            name=name, state="unclear", reason=f"{first.label} was not measured to its end: {first.reason}"
        )
    if failed == {HEAD}:
        return JudgedVariant(name=name, state="broken", reason=f"head cannot run it: {first.reason}")
    if failed == {BASE, AGAIN}:
        return JudgedVariant(name=name, state="new", reason=f"base cannot run it: {first.reason}")
    if failed == {BASE, AGAIN, HEAD} and all(failure.refused for failure in error.failures):
        return JudgedVariant(name=name, state="refused", reason=f"neither revision builds it: {first.reason}")
    who = "no side can" if HEAD in failed and len(failed) > 1 else f"{first.label} could not"
    return JudgedVariant(name=name, state="unclear", reason=f"{who} run it: {first.reason}")


@contextmanager
def guard_ready(
    base: Checkout, head: Checkout, setting: LatencySetting, effort: Effort, rule: Rule, of_project: bool = False
) -> Iterator[Guard]:
    """Start the hosts.

    Args:
        of_project: refuse variants without code of the checkouts, as `LockStep` does.

    Raises:
        SideFailedError: checkouts that cannot be loaded.
    """
    sides = [(BASE, base.root), (AGAIN, base.root), (HEAD, head.root)]
    with TemporaryDirectory(prefix="bench-") as folder, started(sides, keep_memory=True) as hosts:
        yield Guard(
            ready=LockStep(hosts, seed=0, of_project=of_project),
            setting=setting,
            exports=Path(folder),
            effort=effort,
            rule=rule,
        )
