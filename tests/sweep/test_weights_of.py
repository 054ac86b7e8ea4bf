"""Which weights a latency runs where trainings fail or several seeds are trained."""

from pathlib import Path

import torch
from torch import nn

from bench.analysis.study import make_study
from bench.cost.graph_hash import graph_hash
from bench.storage.store import Store
from bench.sweep.prepare import Plan, prepare
from bench.sweep.spacefile import load_space
from tests.conftest import TINY_SPACE
from tests.factories import measured, record


def plan_of(space: Path) -> Plan:
    return prepare(load_space(str(space)), Store(space.parent / "results"), None, None)


def test_of_several_seeds_the_first_ones_weights_are_timed(tiny_space: Path) -> None:
    tiny_space.write_text(TINY_SPACE + "  seeds: [3, 1]\n")
    plan = plan_of(tiny_space)
    first = {cell.spec: cell.key for cell in plan.todo if cell.setting.to_json().get("seed") == 3}
    timed = [cell for cell in plan.todo if cell.group == "latency"]
    assert len(timed) == 8
    assert all(cell.setting.to_json()["weights_of"] == first[cell.spec] for cell in timed)


def test_a_training_that_failed_leaves_a_latency_of_random_weights(tiny_space: Path) -> None:
    failed = next(cell for cell in plan_of(tiny_space).todo if cell.group == "accuracy")
    Store(tiny_space.parent / "results").append(
        "tiny",
        record("accuracy", key=failed.key, setting=failed.setting.to_json(), status="failed", reason="out of memory"),
    )
    again = plan_of(tiny_space)
    untrained = [cell for cell in again.todo if cell.setting.to_json().get("weights_of") == "random"]
    assert {cell.spec for cell in untrained} == {failed.spec}
    assert (len(untrained), again.untrained) == (2, 1)


def test_a_latency_of_the_weights_of_any_seed_is_joined() -> None:
    by_group = {r.group: r for r in measured("a", 0.5, 1e9, 10)}
    other = record(
        "accuracy", "a", by_group["accuracy"].metrics, setting={"seed": 1}, details={"weights_hash": "other"}
    )
    records = [*by_group.values(), other]
    assert make_study("s", records, [r.key for r in records]).doubts == []


class _Asks(nn.Module):
    """Its pass looks at a value, which the meta device does not have."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image + 1 if float(image.sum()) >= 0 else image


def test_a_network_that_asks_for_a_value_has_a_graph_hash_too() -> None:
    assert graph_hash(_Asks()) == graph_hash(_Asks())
