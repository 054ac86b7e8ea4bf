"""`make gpu-records`: its steps, each once, within the budget; what it refuses; what it packs. On the CPU."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch

from bench.errors import ExitCode, UserError
from bench.gpu_records.keeping import ARCHIVE, Done, pack
from bench.gpu_records.needs import missing_packages, refuse_missing_packages
from bench.gpu_records.planted import BASE, DOUBLED, EQUAL, make_repository
from bench.gpu_records.process import Ended
from bench.gpu_records.runner import Budget, Outcome, run_steps
from bench.gpu_records.settings import COMPILED_SWEEP, GPU, SWEEP, TOY, Seconds
from bench.gpu_records.steps import Call, Step, make_steps
from bench.gpu_records.verdicts import StepFailedError, judge_guard, judge_sweep
from bench.guard.latency_report import JudgedVariant
from bench.guard.render.latency.formats import LATENCY_FORMATS
from bench.storage.store import Store
from bench.sweep.spacefile import load_space
from bench.system import installation, machine
from tests.conftest import INTERRUPTED, PROJECT, bench_environment
from tests.factories import measured, record
from tests.guard.test_latency_guard_formats import SAME, SLOWER, UNCLEAR, of, report_of

COMMAND = [sys.executable, "-m", "bench", "gpu-records"]
LONG = Budget(seconds=1000.0, since=time.monotonic())


def say_done(ended: Ended) -> str:
    if ended.timed_out or ended.code:
        raise StepFailedError("time was up" if ended.timed_out else f"code {ended.code}: {ended.last_line}")
    return f"printed {ended.output.strip()}"


def step(
    folder: Path, name: str, code: str = "", limit_s: float = 60.0, judge: Callable[[Ended], str] = say_done
) -> Step:
    """A step whose process adds a line to the file `ran`, then runs some code and prints its name as JSON."""
    text = f"print({name!r}, file=open('ran', 'a'))\n{code}\nprint({json.dumps(name)!r})"
    return Step(
        name=name,
        about=name,
        seconds=Seconds(10.0, limit_s),
        least_s=10.0,
        make_call=lambda _: Call([sys.executable, "-c", text], folder),
        judge=judge,
        result=folder / f"{name}.json",
        keeps_output=True,
    )


def run(folder: Path, *steps: Step, budget: Budget = LONG, again: tuple[str, ...] = ()) -> dict[str, Outcome]:
    outcomes = run_steps(steps, Done(folder / "done.json"), budget, again, lambda step: None, lambda line: None)
    return {outcome.step.name: outcome for outcome in outcomes}


def states(outcomes: dict[str, Outcome]) -> dict[str, str]:
    return {name: outcome.state for name, outcome in outcomes.items()}


def ran(folder: Path) -> list[str]:
    return (folder / "ran").read_text().split()


def test_a_step_that_is_done_is_not_repeated_and_one_that_failed_is(tmp_path: Path) -> None:
    steps = [step(tmp_path, "a"), step(tmp_path, "b", "raise SystemExit('no such thing')"), step(tmp_path, "c")]
    first = run(tmp_path, *steps)
    assert states(first) == {"a": "ok", "b": "failed", "c": "ok"}
    assert first["b"].words == "code 1: no such thing"
    assert json.loads((tmp_path / "a.json").read_text()) == "a"
    steps[1] = step(tmp_path, "b")  # mended
    assert states(run(tmp_path, *steps)) == {"a": "done before", "b": "ok", "c": "done before"}
    assert ran(tmp_path) == ["a", "b", "c", "b"]
    (tmp_path / "c.json").unlink()
    assert states(run(tmp_path, *steps, again=("a",))) == {"a": "ok", "b": "done before", "c": "ok"}
    assert ran(tmp_path)[4:] == ["a", "c"]


def test_a_step_of_which_nobody_thought_stops_no_other(tmp_path: Path) -> None:
    def stumble(ended: Ended) -> str:
        return str(json.loads("{}")["no such key"])

    outcomes = run(tmp_path, step(tmp_path, "a", judge=stumble), step(tmp_path, "b"))
    assert states(outcomes) == {"a": "failed", "b": "ok"}
    assert outcomes["a"].words == "KeyError: 'no such key'"


def test_a_step_beyond_its_time_ends_with_all_that_it_started(tmp_path: Path) -> None:
    code = (
        "import subprocess, time; open('pid', 'w').write(str(subprocess.Popen(['sleep', '600']).pid)); time.sleep(600)"
    )
    outcomes = run(tmp_path, step(tmp_path, "a", code, limit_s=4.0), step(tmp_path, "b"))
    assert states(outcomes) == {"a": "failed", "b": "ok"}
    assert outcomes["a"].words == "time was up"
    pid = int((tmp_path / "pid").read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_step_in_another_folder_finds_what_is_carried_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "carried").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "carried" / "brought.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "carried")
    assert states(run(tmp_path, step(tmp_path / "elsewhere", "a", "import brought, bench.gpu_records"))) == {"a": "ok"}


def test_a_step_that_does_not_fit_into_what_is_left_does_not_start(tmp_path: Path) -> None:
    times = iter([0.0, 0.0])  # when the first is looked at, and when it starts
    budget = Budget(seconds=100.0, since=0.0, clock=lambda: next(times, 95.0))
    outcomes = run(tmp_path, step(tmp_path, "a"), step(tmp_path, "b"), budget=budget)
    assert states(outcomes) == {"a": "ok", "b": "not started"}
    assert outcomes["b"].words == "it needs 10 s, and 5 s of the budget are left"
    assert ran(tmp_path) == ["a"]


def test_the_expected_seconds_fit_into_the_budget() -> None:
    assert sum(of.estimate for of in GPU.seconds.values()) < 8 * 60 - 15  # which a look at the machine takes
    assert all(of.estimate < of.limit for of in [*GPU.seconds.values(), *TOY.seconds.values()])
    for setting in (GPU, TOY):
        assert [step.name for step in make_steps(setting, Path(), Path())] == list(setting.seconds)


def test_the_compiled_training_is_a_pair_with_one_of_the_latency_space() -> None:
    plain, compiled = load_space(SWEEP), load_space(COMPILED_SWEEP)
    assert set(compiled.specs) < set(plain.specs)
    assert compiled.accuracy.schedule == plain.accuracy.schedule.model_copy(update={"compile": True})
    assert compiled.accuracy.model_copy(update={"schedule": plain.accuracy.schedule}) == plain.accuracy
    assert GPU.variant in {spec.name for spec in compiled.specs}
    assert compiled.latency is None
    assert plain.latency
    assert {(s.device, s.runtime) for s in plain.latency.settings(19, plain.latency.devices)} == {
        ("cuda", "eager"),
        ("cuda", "compile"),
        ("cuda", "cudagraph"),
    }


def guarded(*variants: JudgedVariant, code: int) -> Ended:
    return Ended(
        code=code, output=LATENCY_FORMATS["json"](report_of(*variants)), last_line="", timed_out=False, seconds=1.0
    )


def test_a_guard_has_to_say_what_is_true() -> None:
    assert judge_guard(guarded(of(SAME), code=0), "unchanged") == "unchanged, ratio 1.002 (0.991 to 1.021)"
    assert judge_guard(guarded(of(SLOWER), code=1), "regressed").startswith("regressed, ratio 1.079")
    wrong = [(of(SLOWER), 1, "unchanged"), (of(SAME), 0, "regressed"), (of(UNCLEAR), 3, "unchanged")]
    for variant, code, wanted in wrong:
        ended = guarded(variant, code=code)
        with pytest.raises(StepFailedError, match=f"must say {wanted}"):
            judge_guard(ended, wanted)
        assert judge_guard(ended, None)
    with pytest.raises(StepFailedError, match="exit code 2: bench: no such variant"):
        judge_guard(
            Ended(code=2, output="", last_line="bench: no such variant", timed_out=False, seconds=1.0), "unchanged"
        )


def test_a_sweep_is_done_when_every_planned_record_is_there(tmp_path: Path) -> None:
    store, records = Store(tmp_path), measured("a", 0.5, 1e9, 10)
    ended = Ended(code=0, output="", last_line="", timed_out=False, seconds=1.0)
    with pytest.raises(StepFailedError, match="exit code 0"):
        judge_sweep(ended, store, "s")
    failed = record("latency", "b", status="failed", reason="no compiler")
    store.write_plan("s", [r.key for r in [*records, failed]])
    for one in records:
        store.append("s", one)
    stopped = Ended(code=130, output="", last_line="", timed_out=True, seconds=300.0)
    with pytest.raises(StepFailedError, match="3 of 4 records are there; stopped after 300 s"):
        judge_sweep(stopped, store, "s")
    store.append("s", failed)
    with pytest.raises(StepFailedError, match=r"latency of b\+dnl failed: no compiler"):
        judge_sweep(ended, store, "s")
    store.write_plan("s", [r.key for r in records])
    assert judge_sweep(ended, store, "s") == "3 of 3 records are there"


def test_the_planted_revisions_do_the_same_work_and_twice_as_much(tmp_path: Path) -> None:
    top = make_repository(tmp_path)

    def passes(tag: str) -> int:
        subprocess.run(["git", "-C", str(top), "checkout", "--quiet", tag], check=True)
        spec = importlib.util.spec_from_file_location(f"network_of_{tag}", top / "variants" / "network.py")
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        seen: list[torch.Tensor] = []

        class Counted(module.Network):  # type: ignore[misc, name-defined]
            def classify_image(self, image: torch.Tensor) -> torch.Tensor:
                seen.append(image)
                return image

        Counted((0.5, 0.5, 0.5), (0.2, 0.2, 0.2))(torch.rand(1, 3, 8, 8))
        return len(seen)

    assert {tag: passes(tag) for tag in (BASE, EQUAL, DOUBLED)} == {BASE: 1, EQUAL: 1, DOUBLED: 2}
    differing = subprocess.run(
        ["git", "-C", str(top), "diff", "--name-only", BASE, EQUAL], capture_output=True, text=True, check=True
    ).stdout.split()
    assert differing == ["variants/network.py"]


def test_only_what_is_committed_is_packed(tmp_path: Path) -> None:
    results = tmp_path / "some" / "where"
    packed = ["gpu/confusions/k.npz", "gpu/lockstep/m/duel.json", "gpu/m.jsonl", "gpu_compiled/plan.json"]
    others = ["gpu/weights/k.safetensors", "gpu/predictions/k.npz", "gpu/plan.json.0a.new", "quick/m.jsonl"]
    for name in packed + others:
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_text(name)
    pack(results, (SWEEP, COMPILED_SWEEP), tmp_path / ARCHIVE)
    with tarfile.open(tmp_path / ARCHIVE) as tar:
        assert tar.getnames() == [f"results/{name}" for name in packed]


def test_missing_packages_are_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["click>=8", "no.such-package_x>=1.2", "segmentation-models-pytorch"]\n'
    )
    assert missing_packages(tmp_path) == ["no.such-package_x"]
    assert missing_packages() == []
    with pytest.raises(SystemExit) as end:
        refuse_missing_packages(tmp_path)
    assert end.value.code == ExitCode.NOTHING_MEASURED


def test_missing_packages_are_named_before_any_is_loaded() -> None:
    """By `python -S`, which finds no installed package."""
    command = [sys.executable, "-S", "-m", "bench", "gpu-records", "--toy"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.NOTHING_MEASURED, done.stderr
    assert "lacks " in done.stderr
    assert "click" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("told", "found"), [("0123456789ab", "0123456789ab"), ("0123456789ab+changes",) * 2, (None, None)]
)
def test_a_copy_without_a_history_is_told_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str | None, found: str | None
) -> None:
    """Without the variable it is the release that pip installed, which an unpacked copy may be."""
    monkeypatch.setattr(installation, "PROJECT_ROOT", tmp_path)
    monkeypatch.delenv("BENCH_COMMIT", raising=False)
    if told:
        monkeypatch.setenv("BENCH_COMMIT", told)
    assert machine.commit.__wrapped__() == (found or installation.installed_release() or "unknown")
    monkeypatch.setenv("BENCH_COMMIT", "main")
    with pytest.raises(UserError, match="BENCH_COMMIT='main' is no commit"):
        machine.commit.__wrapped__()


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_without_a_gpu_it_says_what_is_missing_and_what_works(tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND, cwd=tmp_path, env=bench_environment(), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 3
    assert "GPU" in done.stderr
    assert "make gpu-records TOY=1" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_toy_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    """A real duel; stopped in the guard behind it. Then the duel is not repeated, and the guard does not fit."""
    command = [*COMMAND, "--toy", "--results", "kept", "--out", "out", "--only", "duel", "--only", "guard_equal"]
    with subprocess.Popen(
        [*command, "--budget-minutes", "60"],
        cwd=tmp_path,
        env=bench_environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr
        while line := process.stderr.readline():
            if line.startswith("    base "):  # the guard has checked out its revisions
                break
        started = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        said = process.communicate()[1]
    assert process.returncode in INTERRUPTED
    assert "the same command goes on from here" in said
    assert started
    assert not [child for child in started if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    (duel,) = tmp_path.glob("kept/gpu/lockstep/*/duel.json")
    found = json.loads(duel.read_text())
    assert found["restarts"] == TOY.restarts
    assert found["a"]["variant"] == TOY.variant
    written = duel.stat().st_mtime_ns
    done = subprocess.run(
        [*command, "--budget-minutes", "0.1"],
        cwd=tmp_path,
        env=bench_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    rows = [line.split()[:2] for line in done.stdout.splitlines()[:2]]
    assert rows == [["duel", "done"], ["guard_equal", "not"]]
    assert duel.stat().st_mtime_ns == written
    with tarfile.open(tmp_path / "out" / ARCHIVE) as tar:
        assert {Path(name).name for name in tar.getnames()} == {"duel.json", "done.json"}
