"""Real sweeps, disturbed: kills, full disks, memory that runs out, workers that die, a second sweep.

Each ends, by the same command, in what an undisturbed one gives, and measures nothing twice.
"""

import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.conftest import TINY_SPACE, bench_environment
from tests.sweeps import files_of, finished_sweep, results_of, running_sweep, start_sweep, stored, wait_for, workers_of
from tests.warm_start import WarmProcess, loaded_bytes

LONG = TINY_SPACE.replace("epochs: 2", "epochs: 40")
"""Trainings of seconds, which leave checkpoints on their way."""
CELLS = 4 + 4 + 2 * 4
"""Costs, accuracies, two restarts of each latency."""
KILLS = 20
pytestmark = pytest.mark.slow
PAGE = 4096


def of_one_variant(space: str) -> str:
    one = space.replace("[mobilenetv3_small_050, lcnet_050]", "[lcnet_050]")
    return one.replace("[[], [3, 4]]", "[[3, 4]]")


def write_space(folder: Path, text: str) -> Path:
    path = folder / "tiny.yaml"
    path.write_text(text)
    return path


def finish(process: WarmProcess) -> tuple[int, str]:
    """Exit code, and what it said; never a traceback."""
    _, errors = process.communicate(timeout=240)
    assert "Traceback" not in errors, errors
    return process.wait(), errors


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sweep of LONG that nothing disturbed."""
    folder = finished_sweep(tmp_path_factory, LONG, "--workers", "2")
    assert Counter(r["status"] for r in stored(folder)) == {"ok": CELLS}
    return folder


def assert_as_undisturbed(folder: Path, undisturbed: Path) -> None:
    """All that was measured is what the undisturbed sweep measured, to the bytes of the files beside the records."""
    results, expected = results_of(folder), results_of(undisturbed)
    assert results == {key: expected[key] for key in results}
    left, wanted = files_of(folder / "results"), files_of(undisturbed / "results")
    accuracies = {key for key, (group, *_) in results.items() if group == "accuracy"}
    kept = {name for name in wanted if Path(name).stem in accuracies}
    assert len(kept) == len(("weights", "confusions", "predictions")) * len(accuracies)
    examples = {name for name in wanted if name.startswith("tiny/predictions/")} - kept
    assert len(examples & left.keys()) == bool(accuracies)
    assert left.keys() - {"tiny/plan.json"} - examples == kept
    for name in kept | (examples & left.keys()):
        assert left[name] == wanted[name], name


def moments(chance: random.Random) -> list[int | None]:
    """When to strike: after so many records stand, in order; None, between them anywhere, is in start-up.

    The first comes when the costs begin to stand, which tells how long start-up takes.
    """
    in_order = [*range(4, 8), *chance.sample(range(8, CELLS - 1), 2)]
    waiting = iter(sorted(in_order))
    kinds = [True] * len(in_order) + [False] * (KILLS - 1 - len(in_order))
    return [chance.randrange(4), *(next(waiting) if is_count else None for is_count in chance.sample(kinds, KILLS - 1))]


def strike(space: Path, moment: int | None, delay: float) -> tuple[float, list[psutil.Process]]:
    """Start the sweep and kill it so many seconds after the moment; its workers are to end by themselves.

    Gives the seconds until the moment, and the processes that it had started.
    """
    folder, began = space.parent, time.time()

    def has_come() -> bool:
        """In the trainings, a checkpoint of this run stands too, or the next record."""
        count = len(stored(folder))
        if moment is None or count < moment:
            return moment is None
        fresh = [path for path in checkpoints(folder) if path.stat().st_mtime > began]
        return bool(fresh) or count > moment or moment not in range(4, 8)

    with running_sweep(space, "--workers", "2") as process:
        wait_for(has_come, process)
        waited = time.time() - began
        time.sleep(delay)
        assert process.poll() is None, "it ended before the strike"
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        assert process.wait() == -signal.SIGKILL
    return waited, family


def assert_ended(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE], "a worker outlived its sweep"


def checkpoints(folder: Path) -> list[Path]:
    return list(folder.glob("results/tiny/weights/*.checkpoint"))


def whole_lines(folder: Path) -> bytes:
    text = b"".join(path.read_bytes() for path in folder.glob("results/*/*.jsonl"))
    return text[: text.rfind(b"\n") + 1]


def test_twenty_kills_lose_nothing(tmp_path: Path, undisturbed: Path) -> None:
    chance = random.Random(7)
    space, standing, in_training = write_space(tmp_path, LONG), b"", 0
    start_up, workers = 0.0, list[psutil.Process]()
    for moment in moments(chance):  # each as soon as the one before is dead, as an impatient user does
        waited, family = strike(space, moment, chance.uniform(0, start_up if moment is None else 0.8))
        start_up = start_up or waited
        workers += family
        lines = whole_lines(tmp_path)
        assert lines.startswith(standing), "a record that stood is gone, or is another"
        standing = lines
        in_training += bool(checkpoints(tmp_path))
    assert in_training >= 1, "no training has gone on from a checkpoint"
    assert_ended(workers)
    code, errors = finish(start_sweep(space, "--workers", "2"))
    assert code == 0, errors
    assert whole_lines(tmp_path).startswith(standing)
    assert Counter(Counter(r["key"] for r in stored(tmp_path)).values()) == {1: CELLS}
    assert results_of(tmp_path).keys() == results_of(undisturbed).keys()
    assert_as_undisturbed(tmp_path, undisturbed)


def test_a_worker_that_dies_is_recorded_and_tried_again(tmp_path: Path, undisturbed: Path) -> None:
    """One is killed in its training, as the system does when memory runs out."""
    space = write_space(tmp_path, LONG.replace("[[], [3, 4]]", "[[3, 4]]"))
    with running_sweep(space, "--workers", "2") as process:
        wait_for(lambda: checkpoints(tmp_path), process)
        workers_of(psutil.Process(process.pid))[0].kill()
        output, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    assert Counter((r["group"], r["status"]) for r in stored(tmp_path)) == {
        ("cost", "ok"): 2,
        ("accuracy", "ok"): 1,
        ("accuracy", "failed"): 1,
        ("latency", "ok"): 4,
    }
    (failed,) = [r for r in stored(tmp_path) if r["status"] == "failed"]
    assert "SIGKILL" in failed["reason"]
    assert "--retry-failed" in failed["reason"]
    assert "SIGKILL" in output

    code, errors = finish(start_sweep(space))
    assert code == 0, errors
    assert "to measure: nothing; 8 done before" in errors
    assert "1 of those failed; --retry-failed measures them again" in errors
    code, errors = finish(start_sweep(space, "--retry-failed"))
    assert code == 0, errors
    assert "measured 3, failed 0" in errors, "the training, and the latencies that had no trained weights"
    assert_as_undisturbed(tmp_path, undisturbed)


def test_a_variant_for_which_memory_runs_out_fails_in_words(tmp_path: Path, undisturbed: Path) -> None:
    """Of 300 MB beyond what is loaded one variant wants more for the first step of its training, if not before."""
    space = write_space(tmp_path, of_one_variant(LONG).replace("decoder_width: [8]", "decoder_width: [8, 1024]"))
    limits = {resource.RLIMIT_DATA: loaded_bytes() + 300 * 10**6}
    code, errors = finish(start_sweep(space, "--workers", "2", limits=limits))
    assert code == 0, errors
    records = stored(tmp_path)
    failed = [r for r in records if r["status"] == "failed"]
    assert {r["spec"]["decoder_width"] for r in failed} == {1024}
    assert "accuracy" in {r["group"] for r in failed}
    for record in failed:
        assert record["reason"].startswith("memory ran out: "), record["reason"]
        assert "--workers" in record["reason"]
        assert f"{record['variant']}: {record['reason']}" in errors
        log = "\n".join(record["details"]["log"])
        assert 'File "' in log
        assert 'File "/' not in log, "a record is shown to people whom the folders of this machine do not concern"
    kept = {r["key"] for r in records if r["spec"]["decoder_width"] == 8}
    assert len(kept) == 4
    results, expected = results_of(tmp_path), results_of(undisturbed)
    assert {key: results[key] for key in kept} == {key: expected[key] for key in kept}


def test_two_sweeps_at_once_measure_once(tmp_path: Path, undisturbed: Path) -> None:
    """Started at the same moment into one folder: twice one space, and another space beside them."""
    text = of_one_variant(LONG)
    space, other = write_space(tmp_path, text), tmp_path / "other.yaml"
    other.write_text(text.replace("name: tiny", "name: other"))
    ended = [(process, *finish(process)) for process in [start_sweep(one) for one in (space, space, other)]]
    assert sorted(code for _, code, _ in ended) == [0, 2, 2]
    for _, code, errors in ended:
        if code == 2:
            assert "another process sweeps into results. Wait for it" in errors
    records = stored(tmp_path)
    assert Counter(r["group"] for r in records) == {"cost": 1, "accuracy": 1, "latency": 2}
    assert len({r["key"] for r in records}) == 4
    assert len(list(tmp_path.glob("results/*/*.jsonl"))) == 1
    results, expected = results_of(tmp_path), results_of(undisturbed)
    assert results == {key: expected[key] for key in results}


def test_files_of_a_limited_size_lose_nothing(tmp_path: Path, undisturbed: Path) -> None:
    """No file may grow beyond 500 kB, which needs no right to mount a disk: records fit, checkpoints do not."""
    space = write_space(tmp_path, of_one_variant(LONG))
    code, errors = finish(start_sweep(space, limits={resource.RLIMIT_FSIZE: 500_000}))
    assert code == 2
    words = r"bench: cannot write results/tiny/weights/\w+\.\w+: .*File too large.*same command to go on"
    assert re.search(words, errors), errors
    assert {(r["group"], r["status"]) for r in stored(tmp_path)} == {("cost", "ok")}
    assert not list(tmp_path.glob("results/tiny/weights/*"))
    code, errors = finish(start_sweep(space))
    assert code == 0, errors
    assert "1 done before" in errors
    assert_as_undisturbed(tmp_path, undisturbed)


class SmallDisk:
    """A disk of so many pages in memory, mounted where this process alone may see it: what is full here is full."""

    def __init__(self, folder: Path, pages: int) -> None:
        mount = f"mount -t tmpfs -o size={pages * PAGE} tmpfs {folder} && echo mounted && exec sleep 280"
        self.folder = folder
        self.holder = subprocess.Popen(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.holder.stdout
        self.said = self.holder.stdout.readline().strip()
        self.seen = Path(f"/proc/{self.holder.pid}/root{folder}")
        """The same disk from outside."""

    def sweep(self, space: Path) -> WarmProcess:
        """Start a sweep that keeps its results here."""
        return WarmProcess(["sweep", str(space)], self.folder, bench_environment(), namespaces_of=self.holder.pid)

    def leave(self, pages: int) -> None:
        """Fill the disk up to so many free pages."""
        filler = self.seen / "filler"
        filler.unlink(missing_ok=True)
        free = shutil.disk_usage(self.seen).free // PAGE
        filler.write_bytes(bytes((free - pages) * PAGE))
        assert shutil.disk_usage(self.seen).free == pages * PAGE


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    if not shutil.which("unshare"):
        pytest.skip("needs unshare, to mount a disk without rights on the machine")
    (tmp_path / "disk").mkdir()
    disk = SmallDisk(tmp_path / "disk", pages=16 * 256)
    try:
        if disk.said != "mounted":
            pytest.skip(f"this machine lets no user mount a disk of his own: {disk.said}")
        yield disk
    finally:
        disk.holder.kill()
        disk.holder.communicate()


def test_a_full_disk_loses_nothing(tmp_path: Path, small_disk: SmallDisk) -> None:
    """It fills at each kind of file in turn. Trainings of a moment, so that the weights come before any checkpoint."""
    (tmp_path / "undisturbed").mkdir()
    expected = write_space(tmp_path / "undisturbed", of_one_variant(TINY_SPACE))
    assert finish(start_sweep(expected))[0] == 0
    (weights,) = expected.parent.glob("results/tiny/weights/*.safetensors")
    weights_pages = -(-weights.stat().st_size // PAGE)
    space, folder = write_space(tmp_path, of_one_variant(TINY_SPACE)), small_disk.seen
    standing = b""
    for pages, refused in (
        (0, r"plan\.json"),
        (1, r"[\w-]+\.jsonl"),
        (weights_pages // 2, r"weights/\w+\.safetensors"),
        (weights_pages, r"confusions/\w+\.npz"),
    ):
        small_disk.leave(pages)
        code, errors = finish(small_disk.sweep(space))
        assert code == 2, errors
        words = rf"bench: cannot write results/tiny/{refused}: .*No space left on device.*same command to go on"
        assert re.search(words, errors), errors
        assert whole_lines(folder).startswith(standing)
        standing = whole_lines(folder)
        assert {r["status"] for r in stored(folder)} <= {"ok"}
        assert not list(folder.glob("results/**/*.new"))
    (folder / "filler").unlink()
    code, errors = finish(small_disk.sweep(space))
    assert code == 0, errors
    assert whole_lines(folder).startswith(standing)
    assert Counter(Counter(r["key"] for r in stored(folder)).values()) == {1: 4}
    assert results_of(folder) == results_of(expected.parent)
    assert files_of(folder / "results") == files_of(expected.parent / "results")


def test_nothing_is_half_written_on_a_full_disk(tmp_path: Path) -> None:
    """What stood before stands, the room is free again, and the words are those of a full disk."""
    code = """
import resource
from pathlib import Path
import numpy as np
from torch import nn
from bench.accuracy.checkpoint import Checkpoint
from bench.storage.confusions import Confusions
from bench.storage.atomic_files import scratch_folder
from bench.errors import DiskError
from bench.storage.store import Store
from bench.accuracy.trained_weights import TrainedWeights

def scratch(size):
    with scratch_folder():
        pass

noise = np.random.default_rng(0)
writers = {
    "plan": lambda size: Store(Path()).write_plan("one", ["key"] * size),
    "checkpoint": lambda size: Checkpoint(path=Path("one/weights/key.checkpoint")).write({"step": list(range(size))}),
    "weights": lambda size: TrainedWeights(Path(), "one").save("key", nn.Linear(size, 1)),
    "confusions": lambda size: Confusions(Path(), "one").save("key", {"val": noise.integers(0, 99, (size, 9, 9))}),
}
for write in writers.values():
    write(1)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
for write in writers.values():
    try:
        write(5000)
    except DiskError as error:
        print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
try:
    scratch(1)
except DiskError as error:
    print(error)
"""
    files = "one/plan.json one/weights/key.checkpoint one/weights/key.safetensors one/confusions/key.npz".split()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, env=bench_environment()
    )
    *said, scratch = done.stdout.splitlines()
    for name, words in zip(files, said, strict=True):
        assert words.startswith(f"cannot write {name}: ")
        assert "File too large" in words
        assert "run the same command to go on" in words
    assert "no folder for temporary files" in scratch
    assert "TMPDIR" in scratch
    assert set(files_of(tmp_path)) == set(files)
    assert all((tmp_path / name).stat().st_size <= 5000 for name in files)
