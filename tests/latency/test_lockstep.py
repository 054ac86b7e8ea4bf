"""Lock-step timing with real processes: hosts, children that fail or die, pairs, restarts, warm-up."""

from __future__ import annotations

import json
import platform
import signal
from itertools import pairwise
from pathlib import Path
from statistics import median

import psutil
import pytest
import torch

from bench.guard.latency_run import AGAIN, BASE, HEAD, Effort, without_verdict
from bench.guard.latency_verdict import Rule
from bench.guard.self_test_trials import run_trials
from bench.latency.checkout import Checkout
from bench.latency.hosts import Failure, SideFailedError, children, started, take_sample
from bench.latency.job import Job
from bench.latency.lockstep import LockStep, cycles_until
from bench.latency.warmup import warm_up
from bench.settings.latency import LatencySetting
from tests.conftest import PROJECT
from tests.warm_hosts import warm_hosts

__all__ = ["warm_hosts"]

VARIANT = "lcnet_050+fpn16-head16"
SETTING = LatencySetting(size=(64, 64), classes=5)
WITHOUT_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(variant=VARIANT, setting=SETTING, exported=str(tmp_path / "exported"))


def test_a_job_travels_as_json(job: Job) -> None:
    assert Job.from_json(json.loads(json.dumps(job.to_json()))) == job


def test_a_setting_says_all_of_itself() -> None:
    setting = LatencySetting(size=(512, 256), classes=19, threads=2, batch=3, scope="argmax")
    for words in ("eager PyTorch", "CPU with 2 threads", "3 512x256 images", "float32", "channels_last", "argmax"):
        assert words in str(setting)


@pytest.mark.slow
@pytest.mark.usefixtures("warm_hosts")
def test_sides_run_in_processes_of_their_own_and_are_paired(job: Job) -> None:
    with started([("A", PROJECT), ("B", PROJECT)]) as hosts:
        ready, before = LockStep(hosts, seed=0), [host.cpu_seconds() for host in hosts]
        two = Job(variant=VARIANT, setting=SETTING, exported=job.exported, passes=8)
        restart = ready.restart([job, two], seconds=60)
        assert [len(times) for times in restart] == [11, 11]
        slower = sum(b > 2 * a for a, b in zip(*restart, strict=True))
        assert slower >= 7  # eight passes against one
        assert len(ready.restart([job, job], seconds=0)[0]) >= 2
        spent = [host.cpu_seconds() - cpu for host, cpu in zip(hosts, before, strict=True)]
        assert all(cpu >= sum(times) / 1e9 for cpu, times in zip(spent, restart, strict=True)), "of children"


@pytest.mark.slow
@pytest.mark.usefixtures("warm_hosts")
def test_a_network_that_fails_is_told_and_its_host_goes_on(job: Job) -> None:
    wrong = Job(variant="no_such_net+fpn16-head16", setting=SETTING, exported=job.exported)
    with started([("A", PROJECT), ("B", PROJECT)]) as hosts:
        with (
            pytest.raises(SideFailedError, match="B: backbone 'no_such_net'") as error,
            children(hosts, [job, wrong]),
        ):
            pass
        (failure,) = error.value.failures
        assert (failure.from_outside, failure.refused) == (False, True)
        with children(hosts, [job, job]) as facts:
            assert len(facts) == 2
            assert all(take_sample(host) > 0 for host in hosts)


@pytest.mark.slow
@pytest.mark.usefixtures("warm_hosts")
def test_a_child_that_is_killed_is_told_and_its_host_goes_on(job: Job) -> None:
    with started([("A", PROJECT)]) as hosts:
        with children(hosts, [job]):
            (child,) = psutil.Process(hosts[0].process.pid).children()
            child.send_signal(signal.SIGKILL)
            with pytest.raises(SideFailedError, match="A: its process was ended by SIGKILL") as error:
                take_sample(hosts[0])
            assert error.value.failures[0].from_outside
        with children(hosts, [job]):
            assert take_sample(hosts[0]) > 0


@pytest.mark.slow
@pytest.mark.gpu
@WITHOUT_GPU
@pytest.mark.usefixtures("warm_hosts")
def test_a_side_on_a_gpu_goes_as_far_as_the_device(job: Job) -> None:
    on_gpu = Job(variant=VARIANT, setting=SETTING.replace(device="cuda"), exported=job.exported)
    with started([("A", PROJECT)]) as hosts:
        with pytest.raises(SideFailedError, match=r"A: .* sees no CUDA device here"), children(hosts, [on_gpu]):
            pass
        with children(hosts, [job]):
            assert take_sample(hosts[0]) > 0


@pytest.mark.slow
@pytest.mark.gpu
@WITHOUT_GPU
@pytest.mark.usefixtures("warm_hosts")
def test_the_self_tests_slower_side_runs_where_the_other_does() -> None:
    """On a GPU that is not there it is refused; on the CPU in its place it would be measured."""
    here = Checkout(PROJECT, "here", "here")
    setting = SETTING.replace(device="cuda")
    trials = run_trials(here, VARIANT, setting, 0, 1, Effort(restarts=3, seconds=5), Rule(0.5, 5.0), busy=False)
    with pytest.raises(SideFailedError, match="sees no CUDA device here"):
        next(trials)


@pytest.mark.slow
@pytest.mark.usefixtures("warm_hosts")
def test_no_process_outlives_the_block(job: Job) -> None:
    with started([("A", PROJECT)]) as hosts, children(hosts, [job]):
        (child,) = psutil.Process(hosts[0].process.pid).children()
    child.wait(10)
    assert hosts[0].process.poll() is not None


@pytest.mark.slow
@pytest.mark.usefixtures("warm_hosts")
def test_a_checkout_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    (tmp_path / "variants").mkdir()
    (tmp_path / "variants" / "__init__.py").write_text("raise ImportError('half a project')\n")
    with pytest.raises(SideFailedError, match="half a project"), started([("old", tmp_path)]):
        pass


BROKEN, KILLED = "no such block", "its process was ended by SIGKILL"
SIDES = (BASE, AGAIN, HEAD)


@pytest.mark.slow
@pytest.mark.usefixtures("warm_hosts")
def test_a_child_that_is_killed_leaves_no_answer_of_others_unheard(job: Job) -> None:
    with started([("A", PROJECT), ("B", PROJECT)]) as hosts:
        with pytest.raises(SideFailedError, match="A: its process was ended by SIGKILL"), children(hosts, [job, job]):
            psutil.Process(hosts[0].process.pid).children()[0].kill()
        with children(hosts, [job, job]) as facts:
            assert all("of_project" in fact for fact in facts)


@pytest.mark.parametrize(
    ("failures", "state", "words"),
    [
        ([Failure(label=HEAD, reason=BROKEN)], "broken", "head cannot run it: no such block"),
        (
            [Failure(label=BASE, reason=BROKEN), Failure(label=AGAIN, reason=BROKEN)],
            "new",
            "base cannot run it: no such block",
        ),
        ([Failure(label=side, reason=BROKEN) for side in SIDES], "unclear", "no side can run it"),
        (
            [Failure(label=side, reason=BROKEN, refused=True) for side in SIDES],
            "refused",
            "neither revision builds it: no such block",
        ),
        ([Failure(label=side, reason=BROKEN, refused=side != HEAD) for side in SIDES], "unclear", "no side can run it"),
        ([Failure(label=HEAD, reason=BROKEN, refused=True)], "broken", "head cannot run it"),
        ([Failure(label=side, reason=BROKEN, refused=True) for side in (BASE, AGAIN)], "new", "base cannot run it"),
        ([Failure(label=BASE, reason=BROKEN)], "unclear", "base could not run it"),
        ([Failure(label=HEAD, reason=KILLED, from_outside=True)], "unclear", "head was not measured to its end"),
        (
            [Failure(label=BASE, reason=KILLED, from_outside=True), Failure(label=HEAD, reason=BROKEN)],
            "unclear",
            "not measured to its end",
        ),
    ],
)
def test_only_what_one_revision_does_is_new_or_broken(failures: list[Failure], state: str, words: str) -> None:
    judged = without_verdict(VARIANT, SideFailedError(*failures))
    assert judged.state == state
    assert words in judged.reason


@pytest.mark.slow
@pytest.mark.usefixtures("warm_hosts")
def test_all_sides_that_fail_are_told(job: Job) -> None:
    wrong = Job(variant="no_such_net+fpn16-head16", setting=SETTING, exported=job.exported)
    with started([("A", PROJECT), ("B", PROJECT)]) as hosts:
        with pytest.raises(SideFailedError) as error, children(hosts, [wrong, wrong]):
            pass
        assert [failure.label for failure in error.value.failures] == ["A", "B"]


@pytest.mark.parametrize(("cycle_s", "seconds", "cycles"), [(0.01, 10, 11), (1.0, 7.5, 7), (9.0, 5, 2), (1.0, -2, 2)])
def test_slow_networks_get_fewer_cycles(cycle_s: float, seconds: float, cycles: int) -> None:
    clock = Clock(cycle_s)
    for _ in cycles_until(seconds, clock):
        clock.run()
    assert clock.now == pytest.approx(cycles * cycle_s)


@pytest.mark.parametrize(("restart_s", "asked", "restarts"), [(1.0, 5, 5), (3.0, 5, 3), (30.0, 5, 3), (1.0, 99, 10)])
def test_restarts_end_with_the_time_but_not_before_three_of_them(
    monkeypatch: pytest.MonkeyPatch, job: Job, restart_s: float, asked: int, restarts: int
) -> None:
    clock = Clock(restart_s)
    monkeypatch.setattr("bench.latency.lockstep.time.monotonic", clock)
    ready = LockStep([], seed=0)
    monkeypatch.setattr(ready, "restart", lambda jobs, seconds: clock.run())
    assert len(list(ready.run([job], asked, seconds=10))) == restarts


@pytest.mark.slow
def test_hosts_that_keep_memory_take_no_page_faults_in_a_pass(job: Job) -> None:
    large = Job(variant=VARIANT, setting=LatencySetting(size=(1024, 512), classes=4), exported=job.exported)
    faults = []
    for keep_memory in (False, True):
        with started([("A", PROJECT)], keep_memory) as hosts, children(hosts, [large]):
            child = psutil.Process(hosts[0].process.pid).children()[0].pid
            counts = [minor_faults(child)]
            for _ in range(5):
                take_sample(hosts[0])
                counts.append(minor_faults(child))
            faults.append(median(after - before for before, after in pairwise(counts)))
    given_back, kept = faults
    told = platform.libc_ver()[0] == "glibc"  # other mallocs cannot be told to keep memory
    few = 200  # where the system gives memory back in other ways, there are few to begin with
    assert kept < max(few, given_back / 10 if told else 1.5 * given_back)


def minor_faults(process: int) -> int:
    """Page faults so far that read no disk (proc(5), the tenth field of stat)."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[7])


class Clock:
    """A clock that a pass moves on."""

    def __init__(self, *durations: float) -> None:
        self.now, self.durations = 0.0, list(durations)

    def run(self) -> None:
        self.now += self.durations.pop(0) if len(self.durations) > 1 else self.durations[0]

    def __call__(self) -> float:
        return self.now


def test_warm_up_ends_when_passes_get_no_faster() -> None:
    falling = Clock(*(0.1 * 0.9**i for i in range(10)), 0.03)
    found = warm_up(falling.run, falling)
    assert found.settled
    assert 14 <= found.passes <= 18
    assert found.seconds == pytest.approx(0.03)


def test_warm_up_gives_up_on_passes_that_never_settle() -> None:
    falling = Clock(*(0.01 * 0.98**i for i in range(400)))
    found = warm_up(falling.run, falling)
    assert (found.passes, found.settled) == (60, False)
    slow = Clock(*(2.0 * 0.9**i for i in range(400)))
    assert warm_up(slow.run, slow).passes == 8


def test_a_brief_warm_up_takes_few_passes_where_they_are_long() -> None:
    for pass_s, passes in ((0.01, 8), (0.2, 3)):
        first_is_slow = Clock(1.2 * pass_s, pass_s)
        assert warm_up(first_is_slow.run, first_is_slow, brief=True).passes == passes
