"""Lock-step timing with real processes: hosts, children that fail or die, checkouts, pairs, the guard and the duel."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch

from bench.errors import UserError
from bench.judge.latency_verdict import Rule
from bench.latency.checkout import WORKING_TREE, Checkout, checked_out, uncommitted
from bench.latency.guarding import AGAIN, BASE, HEAD, Effort, guard_ready, without_verdict
from bench.latency.hosts import Failure, SideFailedError, children, started, take_sample
from bench.latency.job import Job
from bench.latency.lockstep import LockStep, cycles_until
from bench.latency.self_test import run_trials
from bench.latency.setting import LatencySetting
from bench.latency.warmup import warm_up
from bench.store import Store
from tests.conftest import PROJECT, RunBench

VARIANT = "lcnet_050+fpn16-head16"
MANY_TIMES = "    for _ in range(600):\n        x.sin()\n"
SETTING = LatencySetting((64, 64), 5)
WITHOUT_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(VARIANT, SETTING, str(tmp_path / "exported"))


def test_a_job_travels_as_json(job: Job) -> None:
    assert Job.from_json(json.loads(json.dumps(job.to_json()))) == job


def test_a_setting_says_all_of_itself() -> None:
    setting = LatencySetting((512, 256), 19, threads=2, batch=3, scope="argmax")
    for words in ("eager PyTorch", "CPU with 2 threads", "3 512x256 images", "float32", "channels_last", "argmax"):
        assert words in str(setting)


def test_sides_run_in_processes_of_their_own_and_are_paired(job: Job) -> None:
    with started([("A", PROJECT), ("B", PROJECT)]) as hosts:
        ready, before = LockStep(hosts, seed=0), [host.cpu_seconds() for host in hosts]
        two = Job(VARIANT, SETTING, job.exported, passes=8)
        restart = ready.restart([job, two], seconds=60)
        assert [len(times) for times in restart] == [11, 11]
        slower = sum(b > 2 * a for a, b in zip(*restart, strict=True))
        assert slower >= 7  # eight passes against one
        assert len(ready.restart([job, job], seconds=0)[0]) >= 2
        spent = [host.cpu_seconds() - cpu for host, cpu in zip(hosts, before, strict=True)]
        assert all(cpu >= sum(times) / 1e9 for cpu, times in zip(spent, restart, strict=True)), "of children"


def test_a_network_that_fails_is_told_and_its_host_goes_on(job: Job) -> None:
    wrong = Job("no_such_net+fpn16-head16", SETTING, job.exported)
    with started([("A", PROJECT), ("B", PROJECT)]) as hosts:
        with (
            pytest.raises(SideFailedError, match="B: VariantError: backbone 'no_such_net'") as error,
            children(hosts, [job, wrong]),
        ):
            pass
        assert not error.value.failures[0].from_outside
        with children(hosts, [job, job]) as facts:
            assert len(facts) == 2
            assert all(take_sample(host) > 0 for host in hosts)


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


@WITHOUT_GPU
def test_a_side_on_a_gpu_goes_as_far_as_the_device(job: Job) -> None:
    on_gpu = Job(VARIANT, replace(SETTING, device="cuda"), job.exported)
    with started([("A", PROJECT)]) as hosts:
        with pytest.raises(SideFailedError, match=r"A: .* sees no CUDA device here"), children(hosts, [on_gpu]):
            pass
        with children(hosts, [job]):
            assert take_sample(hosts[0]) > 0


@WITHOUT_GPU
def test_the_self_tests_slower_side_runs_where_the_other_does() -> None:
    """On a GPU that is not there it is refused; on the CPU in its place it would be measured."""
    here = Checkout(PROJECT, "here")
    setting = replace(SETTING, device="cuda")
    trials = run_trials(here, VARIANT, setting, 0, 1, Effort(restarts=3, seconds=5), Rule(0.5, 5.0), busy=False)
    with pytest.raises(SideFailedError, match="sees no CUDA device here"):
        next(trials)


def test_no_process_outlives_the_block(job: Job) -> None:
    with started([("A", PROJECT)]) as hosts, children(hosts, [job]):
        (child,) = psutil.Process(hosts[0].process.pid).children()
    child.wait(10)
    assert hosts[0].process.poll() is not None


def test_a_checkout_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    (tmp_path / "variants").mkdir()
    (tmp_path / "variants" / "__init__.py").write_text("raise ImportError('half a project')\n")
    with pytest.raises(SideFailedError, match="half a project"), started([("old", tmp_path)]):
        pass


BROKEN, KILLED = "VariantError: no such block", "its process was ended by SIGKILL"


def test_a_child_that_is_killed_leaves_no_answer_of_others_unheard(job: Job) -> None:
    with started([("A", PROJECT), ("B", PROJECT)]) as hosts:
        with pytest.raises(SideFailedError, match="A: its process was ended by SIGKILL"), children(hosts, [job, job]):
            psutil.Process(hosts[0].process.pid).children()[0].kill()
        with children(hosts, [job, job]) as facts:
            assert all("of_project" in fact for fact in facts)


@pytest.mark.parametrize(
    ("failures", "state", "words"),
    [
        ([Failure(HEAD, BROKEN)], "broken", "head cannot run it: VariantError"),
        ([Failure(BASE, BROKEN), Failure(AGAIN, BROKEN)], "new", "base cannot run it: VariantError"),
        ([Failure(side, BROKEN) for side in (BASE, AGAIN, HEAD)], "unclear", "no side can run it"),
        ([Failure(BASE, BROKEN)], "unclear", "base could not run it"),
        ([Failure(HEAD, KILLED, from_outside=True)], "unclear", "head was not measured to its end"),
        ([Failure(BASE, KILLED, from_outside=True), Failure(HEAD, BROKEN)], "unclear", "not measured to its end"),
    ],
)
def test_only_what_one_revision_does_is_new_or_broken(failures: list[Failure], state: str, words: str) -> None:
    judged = without_verdict(VARIANT, SideFailedError(*failures))
    assert judged.state == state
    assert words in judged.reason


def test_all_sides_that_fail_are_told(job: Job) -> None:
    wrong = Job("no_such_net+fpn16-head16", SETTING, job.exported)
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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc can be told to keep memory")
def test_hosts_that_keep_memory_take_no_page_faults_in_a_pass(job: Job) -> None:
    large = Job(VARIANT, LatencySetting((1024, 512), 4), job.exported)
    faults = []
    for keep_memory in (False, True):
        with started([("A", PROJECT)], keep_memory) as hosts, children(hosts, [large]):
            child = psutil.Process(hosts[0].process.pid).children()[0].pid
            before = minor_faults(child)
            for _ in range(5):
                take_sample(hosts[0])
            faults.append(minor_faults(child) - before)
    given_back, kept = faults
    if given_back < 1000:
        pytest.skip("this system gives memory back in other ways")
    assert kept < given_back / 10


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


Git = Callable[..., None]


def new_repository(root: Path) -> Git:
    """An empty repository, and how to call git in it."""

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", "-C", str(root), *who, *arguments], check=True, capture_output=True)

    root.mkdir()
    git("init", "--quiet")
    return git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A project of one file, with two commits and a change."""
    root = tmp_path / "project"
    git = new_repository(root)
    for text in ("first", "second"):
        (root / "file").write_text(text)
        git("add", "file")
        git("commit", "--quiet", "-m", text)
    (root / "file").write_text("third")
    return root


def test_revisions_are_worktrees_that_go_again(repository: Path) -> None:
    with checked_out("HEAD~1", repository) as before, checked_out("HEAD", repository) as head:
        assert ((before.root / "file").read_text(), (head.root / "file").read_text()) == ("first", "second")
        assert before.label.startswith("HEAD~1 (")
    assert not before.root.exists()
    listed = subprocess.run(
        ["git", "-C", str(repository), "worktree", "list"], capture_output=True, text=True, check=True
    )
    assert len(listed.stdout.splitlines()) == 1
    with checked_out(WORKING_TREE, repository / ".") as here:
        assert (here.root / "file").read_text() == "third"
    assert uncommitted(repository)


def test_what_is_no_revision_or_no_repository_is_refused(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'v99' is no commit"), checked_out("v99", repository):
        pass
    outside = tmp_path / "outside"
    outside.mkdir()
    with pytest.raises(UserError, match="no git repository"), checked_out("HEAD", outside):
        pass


def test_equal_code_is_never_called_slower_and_broken_code_is_told() -> None:
    here = Checkout(PROJECT, "here")
    effort = Effort(restarts=3, seconds=5)
    with guard_ready(here, here, SETTING, effort, Rule(tolerated=0.5, wanted=5.0)) as guard:
        judged = guard.judge_variant(VARIANT)
        assert judged.state in ("unchanged", "unclear")
        assert judged.verdict is not None
        assert judged.verdict.restarts >= 3
        unknown = guard.judge_variant("no_such_net+fpn16-head16")
        assert (unknown.state, unknown.verdict) == ("unclear", None)
        assert unknown.reason.startswith("no side can run it: VariantError")
        jobs = [Job(VARIANT, SETTING, str(guard.exports), passes) for passes in (2, 2, 8)]
        assert guard.judge_jobs(jobs).state == "regressed"
        assert guard.judge_jobs(jobs[::-1][:1] * 2 + jobs[:1]).state == "improved"


def test_duel_prints_the_ratio_and_gives_json(run_bench: RunBench) -> None:
    arguments = ["duel", VARIANT, "lcnet_050+fpn64-head64", "--size", "128x64", "--restarts", "3"]
    done = run_bench(*arguments, cwd=PROJECT)
    assert done.returncode == 0, done.stderr
    assert "B is" in done.stdout or "could hide" in done.stdout
    data = json.loads(run_bench(*arguments, "--json", cwd=PROJECT).stdout)
    assert data["b_over_a"]["low"] <= data["b_over_a"]["ratio"] <= data["b_over_a"]["high"]
    assert len(data["times_ns"]) == 3
    assert 0 <= data["conditions"]["others"] <= 1
    assert data["a"]["setting"]["size"] == [128, 64]


def test_a_guard_that_is_ended_takes_its_checkouts_along(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    command = [sys.executable, "-m", "bench", "guard", "--latency", VARIANT, "--against", "HEAD", "--seconds", "600"]
    environment = os.environ | {"TMPDIR": str(tmp_path / "kept"), "PYTHONPATH": str(PROJECT)}
    guard = subprocess.Popen(command, cwd=repository, env=environment, stderr=subprocess.PIPE, text=True)
    assert guard.stderr is not None
    assert any(line.startswith("base HEAD") for line in guard.stderr), "both revisions are checked out"
    assert any((tmp_path / "kept").iterdir())
    guard.terminate()
    _, words = guard.communicate(timeout=60)
    assert guard.returncode == 130
    assert "stopped; nothing is reported" in words
    assert not any((tmp_path / "kept").iterdir())
    listed = subprocess.run(
        ["git", "-C", str(repository), "worktree", "list"], check=True, capture_output=True, text=True
    )
    assert len(listed.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--latency"], "--against"),
        (["--against", "HEAD"], "--latency"),
        (["--latency", "--cost", "--against", "HEAD"], "of their own"),
        (["--latency", "--accept", "--against", "HEAD"], "no baseline"),
        (["--latency", "--against", "no-such-revision", VARIANT], "no commit"),
        (["--latency", "--against", "HEAD", "no-such-space"], "no-such-space"),
        (["--self-test", VARIANT, VARIANT], "one variant"),
        (["--self-test", "--format", "json"], "Leave them out"),
        (["--self-test", "--tolerated", "10"], "no verdict could have seen it"),
        (["--latency", "--against", "HEAD", "--wanted", "4"], "no verdict could have seen it"),
        pytest.param(["--self-test", "--device", "cuda"], "sees no CUDA device", marks=WITHOUT_GPU),
        pytest.param(["--latency", "--against", "HEAD", "--device", "cuda"], "GPU is unverified", marks=WITHOUT_GPU),
    ],
)
def test_a_wrong_call_of_the_guard_is_refused(run_bench: RunBench, arguments: list[str], words: str) -> None:
    done = run_bench("guard", *arguments, cwd=PROJECT)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def commit_networks(git: Git, project: Path, package: Path) -> None:
    """A project of the networks alone."""
    shutil.copytree(PROJECT / "variants", package, ignore=shutil.ignore_patterns("__pycache__"))
    (project / "pyproject.toml").touch()
    git("add", ".")
    git("commit", "--quiet", "-m", "networks")


def test_the_guard_stops_a_commit_that_is_slower(run_bench: RunBench, tmp_path: Path) -> None:
    """A project of the networks alone, in a folder of its repository, whose second commit resizes every map often."""
    root, report = tmp_path / "repository" / "networks", tmp_path / "guard.json"
    git = new_repository(root.parent)
    commit_networks(git, root, root / "src" / "variants")
    layers = root / "src" / "variants" / "layers.py"
    layers.write_text(layers.read_text().replace("    return F.interpolate(", MANY_TIMES + "    return F.interpolate("))
    git("commit", "--quiet", "-a", "-m", "slower")
    arguments = ["guard", "--latency", VARIANT, "--size", "64x64", "--restarts", "3", "--write", f"json={report}"]
    done = run_bench(*arguments, "--against", "HEAD~1", cwd=root)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"REGRESSED  {VARIANT}" in done.stdout
    assert "equal code would come out there in" in done.stdout
    (variant,) = json.loads(report.read_text())["variants"]
    assert variant["ratio"]["value"] > 1.1
    assert 0 <= variant["false_alarm_rate"] < 0.0051
    assert len(variant["times_ns"]["by_restart"]) == variant["restarts"]
    back = run_bench(*arguments, "--against", "HEAD", "--head", "HEAD~1", cwd=root / "src")
    assert back.returncode == 0, back.stdout
    assert f"improved  {VARIANT}" in back.stdout


def test_a_head_that_cannot_be_loaded_is_broken(run_bench: RunBench, tmp_path: Path) -> None:
    root, report = tmp_path / "project", tmp_path / "guard.json"
    git = new_repository(root)
    commit_networks(git, root, root / "variants")
    (root / "variants" / "__init__.py").write_text("raise ImportError('half a project')\n")
    git("commit", "--quiet", "-a", "-m", "half a project")
    arguments = ["guard", "--latency", VARIANT, "--against", "HEAD~1", "--write", f"json={report}"]
    done = run_bench(*arguments, cwd=root)
    assert done.returncode == 1, done.stderr
    assert f"BROKEN  {VARIANT}" in done.stdout
    assert "half a project" in json.loads(report.read_text())["variants"][0]["reason"]


def test_revisions_of_another_project_are_refused(run_bench: RunBench, repository: Path) -> None:
    """Its worktrees hold no network: both sides would be the installed ones."""
    arguments = [VARIANT, "--size", "64x64"]
    for command in (["guard", "--latency", "--against", "HEAD~1"], ["duel", "--rev-a", "HEAD~1", "--rev-b", "HEAD"]):
        done = run_bench(*command, *arguments, cwd=repository)
        assert done.returncode == 2, done.stdout
        assert "code of the project in this folder" in done.stderr


def test_the_self_test_keeps_every_decision_and_goes_on(run_bench: RunBench, tmp_path: Path) -> None:
    arguments = [
        "guard", "--self-test", VARIANT, "--size", "64x64", "--restarts", "3", "--seconds", "4", "--slower-trials", "1",
        "--tolerated", "50", "--wanted", "300", "--results", str(tmp_path),
    ]  # fmt: skip
    first = run_bench(*arguments, "--trials", "1", cwd=PROJECT)
    assert "false alarms: " in first.stdout, first.stderr
    assert first.returncode != 0, "one decision shows nothing"
    (path,) = (tmp_path / "guard").glob("*-quiet.ndjson")
    assert len(path.read_text().splitlines()) == 2
    second = run_bench(*arguments, "--trials", "2", cwd=PROJECT)
    assert "2 decisions are kept" in second.stderr
    assert len(path.read_text().splitlines()) == 3
    assert Store(tmp_path).sweeps() == []  # no sweep takes them for its records
    line = json.loads(path.read_text().splitlines()[0])
    assert {"machine", "versions", "commit", "setting", "rule", "seed"} <= set(line)
    path.write_text("{\n")
    assert run_bench(*arguments, "--trials", "1", cwd=PROJECT).returncode == 2


def test_a_busy_neighbour_ends_with_its_block() -> None:
    from bench.latency.neighbour import busy_neighbour

    before = {process.pid for process in psutil.Process(os.getpid()).children()}
    with busy_neighbour():
        (neighbour,) = [p for p in psutil.Process(os.getpid()).children() if p.pid not in before]
        assert neighbour.cpu_percent(0.3) > 20
    assert not neighbour.is_running()
