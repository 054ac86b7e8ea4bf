"""What a module adds, from the matrices that trainings left."""

from pathlib import Path

import numpy as np
import pytest

from bench.analysis.module_differences import module_differences
from bench.analysis.study import make_study
from bench.render.tables import difference_table
from bench.stats.confusion import Counts
from bench.storage.confusions import Confusions
from bench.storage.records import AccuracyRecord
from tests.factories import measured, record

PLAIN = {"fused_stages": [], "decoder_width": 32, "head_width": 32}


def images(right: float, seed: int) -> Counts:
    """(40, 2, 2): of each image's pixels, about the share `right` in each class is predicted right."""
    drawn = np.random.default_rng(seed).binomial(500, right, size=(40, 2))
    return np.stack([np.stack([drawn[:, 0], 500 - drawn[:, 0]], 1), np.stack([500 - drawn[:, 1], drawn[:, 1]], 1)], 1)


def miou(matrices: Counts) -> float:
    total = matrices.sum(axis=0)
    return float(np.mean([total[c, c] / (total[c].sum() + total[:, c].sum() - total[c, c]) for c in range(2)]))


def trained(variant: str, right: float, confusions: Confusions, **spec: object) -> list[AccuracyRecord]:
    records = []
    for seed in range(3):
        one = record("accuracy", spec=spec, setting={"seed": seed}, variant=variant)
        one = one.model_copy(update={"spec": PLAIN | {"backbone": "net_a"}} if variant == "plain" else {})
        matrices = images(right, 10 * seed + len(variant))
        confusions.save(one.key, {"val": matrices, "test": matrices})
        records.append(one)
    return records


@pytest.fixture
def confusions(tmp_path: Path) -> Confusions:
    return Confusions(tmp_path, "s")


def test_the_difference_is_that_of_the_means_and_its_interval_holds_it(confusions: Confusions) -> None:
    plain = trained("plain", 0.80, confusions, fused_stages=[])
    better = trained("better", 0.85, confusions)
    (found,) = module_differences([*plain, *better], confusions)
    kept = [[confusions.load(r.key, "test") for r in side] for side in (plain, better)]
    means = [np.mean([miou(m) for m in side if m is not None]) for side in kept]
    assert (found.variant, found.plain, found.seeds) == ("better", "plain", 3)
    assert found.miou["test"].value == pytest.approx(means[1] - means[0])
    assert 0 < found.miou["test"].low < found.miou["test"].value < found.miou["test"].high


def test_networks_that_differ_in_more_than_the_module_are_not_compared(confusions: Confusions) -> None:
    plain = trained("plain", 0.80, confusions, fused_stages=[])
    assert not module_differences([*plain, *trained("wider", 0.85, confusions, decoder_width=64)], confusions)


def test_without_matrices_nothing_is_compared(confusions: Confusions, tmp_path: Path) -> None:
    records = [*trained("plain", 0.8, confusions, fused_stages=[]), *trained("better", 0.85, confusions)]
    assert not module_differences(records, Confusions(tmp_path / "elsewhere", "s"))


def test_the_table_says_points_and_per_cent(confusions: Confusions) -> None:
    small = [r.model_copy(update={"spec": PLAIN | {"backbone": "net_a"}}) for r in measured("net_a", 0.5, 1e9, 10)]
    small = [r.model_copy(update={"variant": "plain", "key": f"p{r.key}", "spec_hash": "p"}) for r in small]
    large = measured("net_a", 0.6, 1.1e9, 12)
    for one, right in ((small, 0.80), (large, 0.95)):
        (key,) = [r.key for r in one if r.group == "accuracy"]
        confusions.save(key, {split: images(right, 0) for split in ("val", "test")})
    records = [*small, *large]
    table = difference_table(make_study("s", records, [r.key for r in records], confusions=confusions))
    (row,) = table.rows
    against, val, _, macs, _, latency = row.cells
    assert (against, macs, latency) == ("2", "+10.0 %", "+20.0 %")
    assert val.startswith("+")
