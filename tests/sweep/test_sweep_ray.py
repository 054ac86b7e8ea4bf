"""Sweeps on a cluster of two nodes: one dies, the driver dies, what does not fit is refused; records stay the same."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.cli import cli
from bench.cli.sweep import executor_options
from bench.errors import UserError
from bench.storage.store import LOCK_NAME
from bench.sweep.forecast import Lanes
from bench.system.machine import installed_version
from tests.conftest import TINY_SPACE, RunBench
from tests.ray_cluster import SECOND, TwoNodes, two_nodes
from tests.sweeps import running_sweep, stored, wait_for

pytest.importorskip("ray", reason="needs the extra: cluster")

from bench.sweep.cluster import check
from bench.sweep.cluster.check import Findings, Folders, Wanted, source_digest
from bench.sweep.cluster.nodes import Node, Share, lanes_of

pytestmark = pytest.mark.cluster
SAME = {
    "weights_hash",
    "graph_hash",
    "class_iou_val",
    "class_iou_test",
    "confusion_val",
    "confusion_test",
    "epoch_losses",
}
TWO = TINY_SPACE.replace("[[], [3, 4]]", "[[3, 4]]").replace("restarts: 2", "restarts: 1")
LONG = TWO.replace("{epochs: 2, batch_size: 4}", "{epochs: 20, batch_size: 4}\n  validations: [0.1]")


@pytest.fixture(scope="module")
def cluster() -> Iterator[TwoNodes]:
    with two_nodes() as nodes:
        yield nodes


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(LONG)
    return path


def on(cluster: TwoNodes) -> tuple[str, ...]:
    return "--executor", "ray", "--ray-address", cluster.address


def substance(records: list[dict[str, Any]]) -> dict[str, Any]:
    """What must not depend on who measured, by key."""
    kept = {}
    for record in records:
        metrics = {name: value for name, value in record["metrics"].items() if not name.startswith("latency")}
        same = {name: value for name, value in record["details"].items() if name in SAME}
        kept[record["key"]] = (record["group"], record["variant"], metrics, same)
    return kept


def test_a_node_dies_and_the_records_are_those_of_one_machine(
    cluster: TwoNodes, space: Path, run_bench: RunBench, tmp_path: Path
) -> None:
    """All go on at the look of halving, which leaves a checkpoint of each training before the kill."""
    with running_sweep(space, *on(cluster), "--schedule", "halving", "--spend", "1") as process:
        wait_for(lambda: paused(space.parent) == 2 and cluster.second_measures(), process)
        assert len(list(space.parent.glob("results/tiny/weights/*.checkpoint"))) == 2
        time.sleep(0.3)  # it trains on
        cluster.kill_second()
        _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    assert f"node {SECOND} was lost: accuracy of " in errors
    assert "goes on elsewhere" in errors
    assert "measured 6, failed 0" in errors
    assert not [line for line in errors.splitlines() if "raylet" in line or "core_worker" in line], "chatter of Ray"
    ended = [record for record in stored(space.parent) if record["status"] == "ok"]
    assert Counter(record["group"] for record in ended) == {"cost": 2, "accuracy": 2, "latency": 2}
    assert not [path for path in space.parent.rglob("results/tiny/weights/*") if path.suffix != ".safetensors"]

    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / space.name).write_text(LONG)
    assert run_bench("sweep", space.name, cwd=alone).returncode == 0
    assert substance(ended) == substance(stored(alone))
    assert len(substance(ended)) == len(ended) == 6


def test_a_killed_driver_leaves_nothing_running_and_processes_go_on(
    cluster: TwoNodes, space: Path, run_bench: RunBench
) -> None:
    cluster.ensure_second()
    with running_sweep(space, *on(cluster)) as process:
        wait_for(lambda: len(stored(space.parent)) == 2 and cluster.second_measures(), process)
        process.kill()
    before = stored(space.parent)
    deadline = time.monotonic() + 60
    while cluster.second_measures():
        assert time.monotonic() < deadline, "a task outlived its driver"
        time.sleep(0.1)
    done = run_bench("sweep", space.name)
    assert done.returncode == 0, done.stderr
    records = stored(space.parent)
    assert records[:2] == before
    assert len({record["key"] for record in records}) == len(records) == 6


def test_a_folder_that_a_node_does_not_see_is_refused(cluster: TwoNodes, space: Path, run_bench: RunBench) -> None:
    done = run_bench("sweep", space.name, *on(cluster), "--data-root", "nowhere")
    assert done.returncode == 2
    assert f"does not see {space.parent / 'nowhere'}, the data folder" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (space.parent / "results").exists()


@pytest.mark.timeout(120)
def test_a_cluster_that_does_not_answer_is_refused_soon(space: Path, run_bench: RunBench) -> None:
    done = run_bench("sweep", space.name, "--executor", "ray", "--ray-address", "127.0.0.2:9")
    assert done.returncode == 2
    assert "no Ray cluster answers at 127.0.0.2:9" in done.stderr
    assert "ray start" in done.stderr
    assert not (space.parent / "results").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--ray-address", "auto"], "--ray-address: of a Ray cluster alone"),
        (["--executor", "ray", "--workers", "2"], "--workers and --gpu-trainings are of --executor processes"),
        (["--executor", "ray", "--gpus-per-variant", "1.5"], "neither a part of one GPU"),
        (["--executor", "ray", "--gpus-per-variant", "-1"], "neither a part of one GPU"),
        (["--executor", "ray", "--cpus-per-variant", "0"], "0 is not in the range x>=1"),
        (["--executor", "ray", "--ray-address", "ray://localhost:10001"], "no address of a node"),
    ],
)
def test_options_that_make_no_sense_are_refused(space: Path, options: list[str], words: str) -> None:
    done = CliRunner().invoke(cli, ["sweep", str(space), *options])
    assert done.exit_code != 0
    assert words in done.output + str(done.exception)


def test_without_ray_the_extra_is_named(space: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor_options, "find_spec", lambda name: None)
    done = CliRunner().invoke(cli, ["sweep", str(space), "--executor", "ray"])
    assert isinstance(done.exception, UserError)
    assert "pip install 'segmentation-bench[cluster]'" in str(done.exception)


@pytest.mark.parametrize(
    ("share", "places"),
    [
        (Share(1), 8),
        (Share(3), 2),
        (Share(9), 0),
        (Share(1, 0.1), 8),
        (Share(1, 0.3), 6),
        (Share(1, 2), 1),
        (Share(1, 3), 0),
    ],
    ids=str,
)
def test_a_node_holds_as_many_as_both_cpus_and_gpus_allow(share: Share, places: int) -> None:
    assert share.places(Node(id="id", name="name", cpus=8, gpus=2)) == places


def test_a_share_that_no_node_has_is_refused() -> None:
    nodes = [Node(id="a", name="10.0.0.1", cpus=8, gpus=0), Node(id="b", name="10.0.0.2", cpus=4, gpus=1)]
    assert lanes_of(nodes, Share(2, 0.5)) == Lanes(6, 2)
    with pytest.raises(
        UserError, match=r"no node has 1 CPU and 2 GPU; the largest, 10\.0\.0\.2, has 4 CPUs and 1 GPUs"
    ):
        lanes_of(nodes, Share(1, 2))


WANTED = Wanted(
    folders=Folders(Path(), None, None),
    source=source_digest(),
    versions={"torch": installed_version("torch")},
    commit="0123456789ab",
)
FITS = Findings(
    unseen=None, source=source_digest(), versions={"torch": installed_version("torch")}, precision="float32"
)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (replace(FITS, source="other"), "other code in bench/ or variants/"),
        (replace(FITS, versions={"torch": "1.0"}), r"has torch 1\.0 \(here "),
        (replace(FITS, unseen="does not see /data, the data folder"), "does not see /data.* Mount it there"),
    ],
)
def test_a_node_that_differs_is_refused_by_its_name(found: Findings, words: str) -> None:
    check._refuse_other("10.0.0.1", FITS, WANTED)
    with pytest.raises(UserError, match=f"node 10.0.0.1 .*{words}"):
        check._refuse_other("10.0.0.1", found, WANTED)


def test_a_node_whose_gpu_torch_cannot_use_is_refused() -> None:
    check._refuse_without_device("10.0.0.1", FITS)
    with pytest.raises(UserError, match=r"node 10\.0\.0\.1 has a GPU that torch cannot use"):
        check._refuse_without_device("10.0.0.1", replace(FITS, precision=None))


def test_a_node_that_joins_late_is_asked_for_the_folders_too(tmp_path: Path) -> None:
    late = replace(WANTED, folders=Folders(tmp_path / "results", None, None), versions=check._measuring_versions())
    with pytest.raises(UserError, match=r"node 10\.0\.0\.3 does not see what .* Mount it there"):
        check.refuse_this_node("10.0.0.3", late)
    late.folders.results.mkdir()
    (late.folders.results / LOCK_NAME).touch()
    check.refuse_this_node("10.0.0.3", late)
    with pytest.raises(UserError, match=r"node 10\.0\.0\.3 does not see .*/data, the data folder"):
        check.refuse_this_node("10.0.0.3", replace(late, folders=replace(late.folders, data_root=tmp_path / "data")))


def test_nodes_of_two_precisions_are_refused() -> None:
    one, other = Node(id="a", name="10.0.0.1", cpus=8, gpus=0), Node(id="b", name="10.0.0.2", cpus=8, gpus=0)
    assert check._common_precision({one: FITS, other: FITS}, "cpu") == "float32"
    with pytest.raises(UserError, match=r"float32 on 10\.0\.0\.1, bfloat16 on 10\.0\.0\.2"):
        check._common_precision({one: FITS, other: replace(FITS, precision="bfloat16")}, "cpu")


def paused(folder: Path) -> int:
    return sum(record["status"] == "paused" for record in stored(folder))
