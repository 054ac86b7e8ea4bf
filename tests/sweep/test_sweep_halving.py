"""A real sweep by successive halving: it stops what it says, goes on after a kill, and a whole sweep finishes it."""

import json
import re
import time
from collections import Counter
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from bench.accuracy.checkpoint import Checkpoint
from tests.conftest import TINY_SPACE, RunBench
from tests.sweeps import copied, finished_sweep, running_sweep, stored, wait_for

HALVING = ("--schedule", "halving", "--spend", "0.7")
LONGER = TINY_SPACE.replace(
    "{epochs: 2, batch_size: 4}", "{epochs: 4, batch_size: 4}\n  validations: [0.25, 0.5]"
).replace("samples: 10, restarts: 2", "samples: 5, restarts: 1")


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(LONGER)
    return path


@pytest.fixture
def halved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sweep by halving that nothing disturbed."""
    return finished_sweep(tmp_path_factory, LONGER, *HALVING)


def trainings(records: list[dict[str, Any]], status: str) -> dict[str, dict[str, Any]]:
    return {r["variant"]: r for r in records if r["group"] == "accuracy" and r["status"] == status}


def accuracies(folder: Path) -> list[dict[str, Any]]:
    return [r for r in stored(folder) if r["group"] == "accuracy"]


@pytest.mark.slow
def test_halving_stops_the_dominated_and_a_whole_sweep_goes_on_from_there(
    halved: Path, run_bench: RunBench, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    said = (halved / "said.txt").read_text()
    assert "halving: of 4 variants go on 3 after epoch 1, 2 after epoch 2" in said
    assert "that takes 68.8 % of the full schedule's epochs;" in said, "(4 * 1 + 3 * 1 + 2 * 2) of 4 * 4"
    assert re.search(r"accuracy \S+: mIoU val \S+ % after epoch 1 ", said), "no seed where there is one"
    space = copied(halved, tmp_path)
    records = stored(tmp_path)
    finished, paused = trainings(records, "ok"), trainings(records, "paused")
    stopped = {variant: r for variant, r in paused.items() if r["reason"]}
    assert len(finished) == 2
    assert len(stopped) == 2
    assert {r["variant"] for r in records if r["group"] == "latency"} == set(finished)
    for record in stopped.values():
        epochs, miou = record["details"]["validations"][-1]
        assert f"stopped after {epochs} of 4 epochs with a val mIoU of {100 * miou:.1f} %" in record["reason"]
        assert record["reason"] in (tmp_path / "reports" / "tiny" / "README.md").read_text()

    again = run_bench("sweep", space.name, *HALVING)
    assert again.returncode == 0, again.stderr
    assert stored(space.parent) == records, "the same decisions, nothing trained again, nothing written twice"

    whole = run_bench("sweep", space.name)
    assert whole.returncode == 0, whole.stderr
    elsewhere = finished_sweep(tmp_path_factory, LONGER)
    ours, theirs = (trainings(stored(folder), "ok") for folder in (space.parent, elsewhere))
    assert {v: r["metrics"] for v, r in ours.items()} == {v: r["metrics"] for v, r in theirs.items()}
    assert Counter(r["group"] for r in stored(space.parent) if r["status"] == "ok") == {
        "cost": 4,
        "accuracy": 4,
        "latency": 4,
    }


@pytest.mark.slow
def test_halving_after_a_kill_decides_the_same(space: Path, halved: Path, run_bench: RunBench) -> None:
    with running_sweep(space, *HALVING) as process:
        wait_for(lambda: len(trainings(stored(space.parent), "paused")) >= 2, process)
        process.kill()
        process.wait()
    time.sleep(1)  # its workers end by themselves
    assert run_bench("sweep", space.name, *HALVING).returncode == 0
    ours, theirs = (trainings(stored(folder), "ok") for folder in (space.parent, halved))
    assert {v: r["metrics"] for v, r in ours.items()} == {v: r["metrics"] for v, r in theirs.items()}
    plans = [json.loads((folder / "results/tiny/plan.json").read_text()) for folder in (space.parent, halved)]
    assert sorted(plans[0]["keys"]) == sorted(plans[1]["keys"])


@pytest.mark.slow
def test_of_several_seeds_the_seed_and_the_mean_that_decides_are_said(space: Path, run_bench: RunBench) -> None:
    space.write_text(LONGER.replace("accuracy:\n", "accuracy:\n  seeds: [3, 5]\n"))
    done = run_bench("sweep", space.name, *HALVING, "--max-gmacs", "0.006")
    assert done.returncode == 0, done.stderr
    stopped = [r for r in accuracies(space.parent) if r["status"] == "paused" and r["reason"]]
    assert {r["setting"]["seed"] for r in stopped} == {3, 5}
    (variant,) = {r["variant"] for r in stopped}
    (at,) = {r["details"]["validations"][-1][0] for r in stopped}
    average = mean(r["details"]["validations"][-1][1] for r in stopped)
    for record in stopped:
        (_, miou), seed = record["details"]["validations"][-1], record["setting"]["seed"]
        reached = f"{100 * miou:.1f} % from seed {seed}, {100 * average:.1f} % in the mean of 2 seeds: "
        assert f"stopped after {at} of 4 epochs with a val mIoU of {reached}" in record["reason"]
        assert f"accuracy {variant}, seed {seed}: mIoU val {100 * miou:.1f} % after epoch 1 " in done.stderr
        assert f"accuracy {variant}, seed {seed}: {record['reason']}" in done.stderr


@pytest.mark.slow
def test_halving_of_one_epoch_is_refused_with_what_helps(space: Path, run_bench: RunBench) -> None:
    for epochs, validations, words in (
        (1, "[0.25]", "trainings of 1 epoch have none: make `accuracy.schedule.epochs` 2 or more."),
        (4, "[]", "give `accuracy.validations` a share, such as [0.25]"),
    ):
        space.write_text(LONGER.replace("epochs: 4", f"epochs: {epochs}").replace("[0.25, 0.5]", validations))
        done = run_bench("sweep", space.name, "--schedule", "halving", "--dry-run")
        assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    space.write_text(LONGER.replace("epochs: 4", "epochs: 2").replace("[0.25, 0.5]", "[0.25]"))
    assert run_bench("sweep", space.name, *HALVING, "--spend", "0.8", "--dry-run").returncode == 0


@pytest.mark.slow
def test_halving_within_a_limit_keeps_saying_so(space: Path, run_bench: RunBench) -> None:
    done = run_bench("sweep", space.name, *HALVING, "--max-gmacs", "0.006")
    assert "stopped early" in done.stderr, done.stderr
    page = (space.parent / "reports" / "tiny" / "README.md").read_text()
    assert "chosen by cost: of the space's 4 variants all but 2 beyond the budget of at most 0.006 GMACs" in page


def test_too_little_to_spend_ends_before_any_training(space: Path, run_bench: RunBench) -> None:
    done = run_bench("sweep", space.name, "--schedule", "halving", "--spend", "0.1")
    assert done.returncode == 2
    assert "--spend 0.1 is too little" in done.stderr
    assert not stored(space.parent)


@pytest.mark.slow
def test_a_training_that_failed_later_does_not_change_what_was_decided(
    halved: Path, run_bench: RunBench, tmp_path: Path
) -> None:
    space = copied(halved, tmp_path)
    (path,) = (space.parent / "results" / "tiny").glob("*.jsonl")
    (late,) = (r for r in stored(space.parent) if r["status"] == "paused" and "stopped after 2" in (r["reason"] or ""))
    failed = late | {"status": "failed", "reason": "out of memory", "details": {"log": ""}}
    with path.open("a") as file:
        file.write(json.dumps(failed) + "\n")
    records = accuracies(space.parent)
    assert run_bench("sweep", space.name, *HALVING).returncode == 0
    assert accuracies(space.parent) == records, "no other variant takes its place"

    again = run_bench("sweep", space.name, *HALVING, "--retry-failed")
    assert again.returncode == 0, again.stderr
    new = accuracies(space.parent)[len(records) :]
    assert {r["variant"] for r in new} == {late["variant"]}
    assert (new[-1]["status"], new[-1]["reason"]) == ("paused", late["reason"])


def epochs_done(folder: Path) -> list[float]:
    """Of the trainings that left a checkpoint, by it: two steps are an epoch."""
    states = (Checkpoint(path=path).load() for path in folder.glob("results/tiny/weights/*.checkpoint"))
    return [state["step"] / 2 for state in states if state]


@pytest.mark.slow
def test_a_training_that_passed_a_rung_unseen_goes_on_to_the_next(space: Path, run_bench: RunBench) -> None:
    late, early = (
        LONGER.replace("epochs: 4", "epochs: 40").replace("[0.25, 0.5]", looks) for looks in ("[0.9]", "[0.05, 0.5]")
    )
    space.write_text(late)
    with running_sweep(space) as process:
        wait_for(lambda: any(epochs > 2 for epochs in epochs_done(space.parent)), process)
        process.kill()
        process.wait()
    time.sleep(1)  # its workers end by themselves
    space.write_text(early)
    done = run_bench("sweep", space.name, *HALVING)
    assert done.returncode == 0, done.stderr
    last = {r["variant"]: r for r in accuracies(space.parent)}
    unseen = [r for r in last.values() if 2 not in {epochs for epochs, _ in r["details"]["validations"]}]
    assert unseen, "none stood beyond the first rung"
    for record in unseen:
        assert record["status"] == "ok" or "stopped after 20 of 40 epochs with" in record["reason"], record
