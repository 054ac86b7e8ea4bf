"""How a front moved: against another sweep or another revision, and whether noise could have done it."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from bench.analysis.candidates import Candidate
from bench.analysis.constraints import Limit
from bench.decision.decision_data import Grounds
from bench.decision.front_changes import check_alike, front_move, point_move
from bench.errors import UserError
from bench.stats.interval import Interval
from bench.storage.confusions import Confusions
from bench.storage.store import Store
from tests.conftest import RunBench
from tests.decision.test_pick import saved

SPREAD = 0.01


def grounds(mious: dict[str, float], seed: int, data: str = "d") -> Grounds:
    """Each variant costs a GMAC more than the one before; known to a normal error."""
    rng = np.random.default_rng(seed)
    variants = [Candidate(name, {"miou_val": m, "macs": (i + 1) * 1e9}) for i, (name, m) in enumerate(mious.items())]
    draws = {"miou_val": {name: m + SPREAD * rng.standard_normal(1000) for name, m in mious.items()}}
    return Grounds(
        candidates=variants,
        draws=draws,
        settings=["camvid", "cost"],
        incomplete=[],
        data=data,
        spread=None,
        images=0,
        processes=0,
        doubts_of=lambda variant: [],
    )


def test_who_joined_who_left_and_who_was_not_measured_before() -> None:
    before = grounds({"a": 0.5, "b": 0.6, "c": 0.7}, 0)
    after = grounds({"a": 0.5, "b": 0.4, "d": 0.8}, 1)
    move = front_move(before, after, "macs")
    assert (move.joined, move.left, move.stayed) == (["d"], ["b", "c"], ["a"])
    assert (move.new, move.gone) == (["d"], ["c"])


@pytest.mark.slow
def test_noise_is_no_change_and_a_true_loss_is_one() -> None:
    """Fronts measured again by chance, and fronts that lost five standard errors."""
    truth = np.array([0.5, 0.6, 0.7])

    def measured_again(seed: int, loss: float) -> bool:
        rng = np.random.default_rng(seed)
        first, second = (truth + SPREAD * rng.standard_normal(3) for _ in range(2))
        names = ("a", "b", "c")
        before = grounds(dict(zip(names, first, strict=True)), 2 * seed)
        after = grounds(dict(zip(names, second - loss, strict=True)), 2 * seed + 1)
        return front_move(before, after, "macs").is_worse

    assert sum(measured_again(seed, 0) for seed in range(100)) <= 7, "2.5 % of false alarms"
    assert sum(measured_again(seed, 5 * SPREAD) for seed in range(100)) >= 95


def test_a_pinned_point_is_the_most_accurate_within_its_limit() -> None:
    before, after = grounds({"a": 0.5, "b": 0.6, "c": 0.9}, 0), grounds({"a": 0.5, "b": 0.45, "c": 0.9}, 1)
    move = point_move(before, after, Limit("macs", 2e9))
    assert move.before is not None
    assert move.after is not None
    assert (move.before.variant, move.after.variant) == ("b", "a")
    assert move.is_worse
    assert not point_move(before, after, Limit("macs", 3e9)).is_worse
    gone = point_move(before, grounds({}, 1), Limit("macs", 2e9))
    assert gone.is_worse
    assert gone.change is None


def test_the_same_measurements_are_no_change_to_themselves() -> None:
    same = grounds({"a": 0.5, "b": 0.6}, 0)
    assert front_move(same, same, "macs").change == Interval(0, 0, 0)


def test_other_data_are_refused() -> None:
    with pytest.raises(UserError, match="of other data"):
        check_alike(grounds({"a": 0.5}, 0), grounds({"a": 0.5}, 0, data="e"))


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(("git", *identity, *arguments), cwd=folder, check=True, capture_output=True)


@pytest.fixture
def committed(tmp_path: Path) -> Path:
    """A repository in which the sweeps `mine` and `same` were committed, of equal numbers."""
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    saved(tmp_path, {"mine": [0.60, 0.66, 0.72], "same": [0.60, 0.66, 0.72]})
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return tmp_path


def measure_again(folder: Path, sweep: str, mious: list[float]) -> None:
    (next((folder / "results" / sweep).glob("*.jsonl"))).unlink()
    saved(folder, {sweep: mious})


def test_the_commands_compare_with_a_revision_and_with_a_sweep(run_bench: RunBench, committed: Path) -> None:
    assert run_bench("report", "mine", "--against-sweep", "same").stdout.count("unchanged") == 2
    measure_again(committed, "mine", [0.60, 0.67, 0.73])
    better = run_bench("guard", "--front", "mine", "--against", "HEAD")
    assert better.returncode == 0, better.stderr
    assert "2 figures compared" in better.stderr
    measure_again(committed, "mine", [0.60, 0.40, 0.41])
    worse = run_bench("guard", "--front", "mine", "--against", "HEAD", "--pin", "gmacs<=2.5")
    assert worse.returncode == 1
    assert "front of MACs: worse; hypervolume" in worse.stdout
    assert "left    net_1+dnl" in worse.stdout
    assert "best within MACs ≤ 2.5 G: worse; net_1+dnl to net_0+dnl, -6.0 points" in worse.stdout
    assert "worse beyond noise: mine; 3 figures compared" in worse.stderr
    assert run_bench("guard", "--front", "mine", "--against-sweep", "same").returncode == 1


def test_the_same_records_on_both_sides_are_no_pass(run_bench: RunBench, committed: Path) -> None:
    for other in (("--against", "HEAD"), ("--against-sweep", "same")):
        done = run_bench("guard", "--front", "mine", *other)
        assert done.returncode == 3, done.stderr
        assert "0 figures compared" in done.stderr


def test_a_planted_folder_hides_no_loss(run_bench: RunBench, committed: Path) -> None:
    """A sweep with the name of the revision holds the same halved mIoU as the change."""
    for sweep in ("mine", "main"):
        saved(committed, {sweep: [0.1]})
        measure_again(committed, sweep, [0.30, 0.33, 0.36])
    assert run_bench("guard", "--front", "mine", "--against", "main").returncode == 1


def test_a_name_that_may_mean_two_things_is_refused(run_bench: RunBench, committed: Path) -> None:
    """A tag with the name of the branch at another commit; a sweep where a revision is asked for; both options."""
    measure_again(committed, "mine", [0.30, 0.33, 0.36])
    git(committed, "commit", "--quiet", "-a", "-m", "halved")
    git(committed, "tag", "-f", "main")
    git(committed, "commit", "--quiet", "--allow-empty", "-m", "next")
    for other in (("--against", "main"), ("--against", "same"), ("--against", "HEAD", "--against-sweep", "same")):
        done = run_bench("guard", "--front", "mine", *other)
        assert done.returncode == 2, other
    assert "--against-sweep same" in run_bench("guard", "--front", "mine", "--against", "same").stderr
    assert run_bench("guard", "--front", "mine", "--against", "refs/heads/main~2").returncode == 1


def test_a_change_that_is_not_finite_fails(run_bench: RunBench, committed: Path) -> None:
    """Matrices of no pixel at all give no mIoU to resample."""
    measure_again(committed, "mine", [0.70, 0.76, 0.82])
    empty = np.zeros((4, 2, 2), np.int64)
    store = Store(committed / "results")
    for record in store.read("mine"):
        Confusions(store.root, "mine").save(record.key, {"val": empty, "test": empty})
    done = run_bench("guard", "--front", "mine", "--against", "HEAD")
    assert done.returncode == 1, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("guard", "--front", "mine"), "Say which: --against"),
        (("guard", "--front", "--against", "HEAD"), "guards the sweeps that are named"),
        (("guard", "--front", "mine", "--against", "HEAD", "--pin", "miou>=3"), "pins no cost"),
        (("report", "--against", "HEAD"), "--against compares one sweep"),
    ],
)
def test_what_is_missing_is_said(run_bench: RunBench, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    saved(tmp_path, {"mine": [0.6], "other": [0.6]})
    done = run_bench(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
