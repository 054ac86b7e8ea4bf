"""The network that is timed is the one that gave the mIoU, and nothing else of the sweep runs meanwhile."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from bench.accuracy.trained_weights import TrainedWeights
from bench.cost.graph_hash import graph_hash
from bench.errors import UserError
from bench.storage.store import Store
from bench.sweep.prepare import Plan, Retry, prepare
from bench.sweep.spacefile import load_space
from tests.conftest import TINY_SPACE, RunBench
from tests.sweeps import running_sweep, stored, workers_of
from variants.backbones.weights import weights_fingerprint
from variants.names import parse_name
from variants.network import Network, build

NAME = "lcnet_050+frm34-dnl-w16+fpn8-head8"
ONE_VARIANT = TINY_SPACE.replace("mobilenetv3_small_050, ", "").replace("[[], [3, 4]]", "[[3, 4]]")


def net(name: str = NAME, seed: int = 0) -> Network:
    torch.manual_seed(seed)
    return build(parse_name(name), 3)


def test_a_graph_hash_follows_the_graph_and_nothing_else() -> None:
    same = graph_hash(net())
    assert graph_hash(net(seed=1).train()) == same
    assert graph_hash(net().to(memory_format=torch.channels_last)) == same
    assert graph_hash(net(NAME.replace("w16", "w24"))) != same
    assert graph_hash(net(NAME.replace("dnl", "nonlocal"))) != same


def test_weights_are_kept_whole_and_come_back(tmp_path: Path) -> None:
    trained, kept = TrainedWeights(tmp_path, "tiny"), net()
    trained.save("key", kept)
    other = net(seed=1)
    assert weights_fingerprint(other) != weights_fingerprint(kept)
    assert TrainedWeights(tmp_path, "other").load("key", other)
    assert weights_fingerprint(other) == weights_fingerprint(kept)
    assert not trained.load("no such key", other)
    assert [path.name for path in (tmp_path / "tiny" / "weights").iterdir()] == ["key.safetensors"]


def test_a_broken_file_of_weights_is_named(tmp_path: Path) -> None:
    trained = TrainedWeights(tmp_path, "tiny")
    trained.save("key", net())
    path = trained.find("key")
    assert path is not None
    with pytest.raises(ValueError, match="of another network"):
        trained.load("key", net("lcnet_050+fpn16-head16"))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=f"{path} is broken"):
        trained.load("key", net())


@pytest.mark.slow
def test_latencies_are_measured_last_and_alone(tiny_space: Path) -> None:
    """Looked at from outside, while two workers train."""
    folder = tiny_space.parent
    tiny_space.write_text(TINY_SPACE.replace("[[], [3, 4]]", "[[3, 4]]"))
    with running_sweep(tiny_space, "--workers", "2") as process:
        sweep = psutil.Process(process.pid)
        while process.poll() is None:
            groups = [r["group"] for r in stored(folder)]
            assert groups == sorted(groups, key=["cost", "accuracy", "latency"].index) or "latency" not in groups
            if groups.count("accuracy") == 2:
                assert len(at_work(sweep)) <= 1, "something ran beside a latency"
            time.sleep(0.02)
    assert process.returncode == 0
    assert [r["group"] for r in stored(folder)][-4:] == ["latency"] * 4


def at_work(sweep: psutil.Process) -> set[int]:
    """Workers that live for a moment: one that ends overlaps the next by less."""
    found = [alive(sweep)]
    if len(found[0]) > 1:
        time.sleep(0.05)
        found.append(alive(sweep))
    return set.intersection(*found)


def alive(sweep: psutil.Process) -> set[int]:
    try:
        return {p.pid for p in workers_of(sweep) if p.status() != psutil.STATUS_ZOMBIE}
    except psutil.NoSuchProcess:
        return set()


def by_group(records: list[dict[str, Any]], group: str) -> list[dict[str, Any]]:
    return [r for r in records if r["group"] == group]


def page(folder: Path) -> str:
    return (folder / "reports" / "tiny" / "README.md").read_text()


def plan_of(space: Path, retry_doubtful: bool = False) -> Plan:
    store = Store(space.parent / "results")
    return prepare(load_space(str(space)), store, None, None, Retry(doubtful=retry_doubtful))


def say_busy(folder: Path) -> None:
    """Make the machine busy in the last record."""
    (path,) = folder.glob("results/tiny/*.jsonl")
    *lines, last = path.read_text().splitlines()
    record = json.loads(last)
    record["details"]["conditions"] = {"others": 0.5}
    path.write_text("\n".join([*lines, json.dumps(record)]) + "\n")


@pytest.mark.slow
def test_the_latency_is_of_the_weights_and_the_graph_that_gave_the_miou(tmp_path: Path, run_bench: RunBench) -> None:
    space = tmp_path / "tiny.yaml"
    space.write_text(ONE_VARIANT)
    assert run_bench("sweep", space.name).returncode == 0
    records = stored(tmp_path)
    (accuracy,) = by_group(records, "accuracy")
    weights = tmp_path / "results" / "tiny" / "weights" / f"{accuracy['key']}.safetensors"
    assert weights.is_file()
    for latency in by_group(records, "latency"):
        assert latency["setting"]["weights_of"] == latency["details"]["weights"] == accuracy["key"]
        for name in ("weights_hash", "graph_hash"):
            assert latency["details"][name] == accuracy["details"][name]
    assert "than its mIoU" not in page(tmp_path)
    assert "random start weights" not in page(tmp_path)

    say_busy(tmp_path)
    assert not plan_of(space).todo
    assert [c.key for c in plan_of(space, retry_doubtful=True).todo] == [r["key"] for r in by_group(records, "latency")]

    space.write_text(ONE_VARIANT.replace("restarts: 2", "restarts: 2, scope: argmax"))
    weights.unlink()
    assert {c.setting.to_json()["weights_of"] for c in plan_of(space).todo} == {"random"}
    done = run_bench("sweep", space.name)
    assert "latencies of 1 variants run random start weights" in done.stderr
    assert by_group(stored(tmp_path), "latency")[-1]["details"]["weights"] == "random"
    (line,) = [line for line in page(tmp_path).splitlines() if "random start weights" in line]
    assert f"latency of {NAME} is of random start weights, since those that gave its mIoU are not in" in line


def test_a_runtime_that_is_not_installed_is_refused_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.latency.runtimes.find_spec", lambda name: None)
    space = tmp_path / "tiny.yaml"
    space.write_text(TINY_SPACE.replace("samples: 10", "\n  runtimes: [eager,\n  onnxruntime]"))
    with pytest.raises(UserError, match=f"^{space}:12: runtime 'onnxruntime' needs .*not installed") as refusal:
        plan_of(space)
    assert "pip install" in str(refusal.value)
    assert list(tmp_path.iterdir()) == [space]
