"""Fronts against brute force; records of other settings stay off the axes."""

import random
from pathlib import Path

import numpy as np
import pytest

from bench.analysis.labels import short_labels
from bench.analysis.study import Study, make_study
from bench.errors import UserError
from bench.metrics import latency_metric
from bench.settings.runtimes import RuntimeName
from bench.stats.pareto import pareto_front
from bench.storage.confusions import Confusions
from bench.storage.records import Record
from tests.factories import measured, record


def brute_force(costs: list[float], scores: list[float]) -> list[bool]:
    points = list(zip(costs, scores, strict=True))
    return [not any(c <= cost and s >= score and (c, s) != (cost, score) for c, s in points) for cost, score in points]


@pytest.mark.parametrize("seed", range(30))
def test_front_is_what_nothing_dominates(seed: int) -> None:
    rng = random.Random(seed)
    costs = [float(rng.randint(0, 9)) for _ in range(25)]
    scores = [float(rng.randint(0, 9)) for _ in range(25)]
    assert pareto_front(costs, scores) == brute_force(costs, scores)


def test_what_is_missing_is_never_on_the_front() -> None:
    nan = float("nan")
    assert pareto_front([1, nan, 2], [nan, 1, 3]) == [False, False, True]
    assert pareto_front([], []) == []


def study_of(records: list[Record]) -> Study:
    """A study whose plan is all of the records."""
    return make_study("s", records, [r.key for r in records])


def test_rows_join_by_variant_best_first() -> None:
    study = study_of(measured("small", 0.5, 1e9, 10) + measured("big", 0.7, 3e9, 30) + measured("bad", 0.4, 4e9, 40))
    assert list(study.table["backbone"]) == ["big", "small", "bad"]
    assert list(study.table["on_front_macs"]) == [True, True, False]
    assert study.table["latency_cpu_ms"].tolist() == [30, 10, 40]
    assert study.cost_metrics == ["macs", "parameters", "latency_cpu_ms"]
    assert study.doubts == []


def test_a_difference_below_the_printed_digits_puts_nobody_on_the_front() -> None:
    study = study_of(measured("dear", 0.7, 6.2928e9, 30) + measured("cheap", 0.5, 6.2926e9, 10))
    assert list(study.table["on_front_macs"]) == [True, False]
    assert list(study.table["on_front_latency_cpu_ms"]) == [True, True]


def test_what_is_not_planned_is_left_out_and_said() -> None:
    """Other schedules, machines and gone variants have other keys; the newest is not always the planned."""
    planned = measured("a", 0.5, 2e9, 9)
    other = measured("a", 0.9, 1e9, 1, setting={"schedule": {"epochs": 2}, "size": [64, 64]}, started="2026-02-01")
    study = make_study("s", other + planned + measured("gone", 0.8, 1e9, 1), [r.key for r in planned])
    assert study.table["miou_val"].tolist() == [0.5]
    assert study.table["macs"].tolist() == [2e9]
    assert study.table["latency_cpu_ms"].tolist() == [9]
    assert len([d for d in study.doubts if "left out: 2" in d]) == 3


def test_what_is_planned_but_missing_is_said() -> None:
    records = measured("a", 0.5, 2e9, 9)
    study = make_study("s", records, [r.key for r in records] + ["later"])
    assert study.doubts == ["not measured yet: 1 cells; the same `bench sweep` goes on"]


def test_seeds_become_a_mean_with_their_range() -> None:
    records = measured("a", 0.5, 1e9, 10)
    seeds = [measured("a", m, 1e9, 10, setting={"seed": s}) for s, m in ((1, 0.6), (2, 0.7))]
    more: list[Record] = [r for records_of_seed in seeds for r in records_of_seed if r.group == "accuracy"]
    row = study_of(records + more).table.iloc[0]
    assert (row["miou_val_low"], row["miou_val"], row["miou_val_high"]) == pytest.approx((0.5, 0.6, 0.7))


def test_restarts_become_a_median_with_their_range() -> None:
    records = measured("a", 0.5, 1e9, 10)
    restarts = [measured("a", 0.5, 1e9, ms, setting={"restart": i}) for i, ms in ((1, 30), (2, 11))]
    more: list[Record] = [r for records_of_restart in restarts for r in records_of_restart if r.group == "latency"]
    row = study_of(records + more).table.iloc[0]
    assert (row["latency_cpu_ms_low"], row["latency_cpu_ms"], row["latency_cpu_ms_high"]) == (10, 11, 30)


def test_many_restarts_show_quartiles() -> None:
    times = [10, 11, 12, 13, 99]
    restarts = [measured("a", 0.5, 1e9, ms, setting={"restart": i}) for i, ms in enumerate(times)]
    records = restarts[0] + [r for repeat in restarts[1:] for r in repeat if r.group == "latency"]
    row = study_of(records).table.iloc[0]
    assert (row["latency_cpu_ms_low"], row["latency_cpu_ms"], row["latency_cpu_ms_high"]) == (11, 12, 13)


def timed(runtime: RuntimeName, ms: float, samples: list[float], restart: int = 0) -> Record:
    """One process of a latency by a runtime."""
    name = latency_metric("cpu", runtime)
    metrics = {name: ms, f"{name}_low": ms, f"{name}_high": ms}
    one = record("latency", "a", metrics, setting={"runtime": runtime, "restart": restart})
    return one.model_copy(update={"details": one.details | {"samples_ms": samples}})


def test_a_percentile_is_of_the_passes_of_all_processes_where_they_are_enough() -> None:
    samples = [float(ms) for ms in range(1, 33)]
    rest = [r for r in measured("a", 0.5, 1e9, 10) if r.group != "latency"]
    both = [timed("eager", 10, samples), timed("eager", 11, [100 + ms for ms in samples], restart=1)]
    row = study_of([*rest, *both]).table.iloc[0]
    assert row["latency_cpu_ms"] == 10.5
    assert row["latency_cpu_ms_p90"] == pytest.approx(float(np.percentile([*samples, *(s + 100 for s in samples)], 90)))
    assert "latency_cpu_ms_p90" not in study_of([*rest, both[0]]).table


def test_each_runtime_is_a_cost_of_its_own() -> None:
    rest = [r for r in measured("a", 0.5, 1e9, 10) if r.group != "latency"]
    study = study_of([*rest, timed("eager", 10, []), timed("onnxruntime", 6, [])])
    assert study.cost_metrics == ["macs", "parameters", "latency_cpu_ms", "latency_cpu_onnxruntime_ms"]
    assert study.table[study.cost_metrics[2:]].values.tolist() == [[10, 6]]
    assert {record.setting.runtime for record in study.latency.values()} == {"eager", "onnxruntime"}


def test_failures_are_shown_until_they_are_mended() -> None:
    good = measured("a", 0.5, 1e9, 10)
    failure = record("latency", "a", status="failed", reason="time-out", started="2027-01-01")
    assert failure.key in {r.key for r in good}
    assert study_of([*good, failure]).failed == []
    assert study_of([failure, *[r for r in good if r.group != "latency"]]).failed == [failure]


def test_doubtful_counts_are_said() -> None:
    doubtful = [
        r.model_copy(update={"details": r.details | {"unknown_operators": {"fft": 1}}}) if r.group == "cost" else r
        for r in measured("a", 0.5, 1e9, 10)
    ]
    assert ["not counted, so its costs are lower bounds: fft" in doubt for doubt in study_of(doubtful).doubts] == [True]


def test_random_starts_beside_imagenet_weights_are_said() -> None:
    trained = [
        r.model_copy(update={"setting": r.setting.replace(weights="0123456789ab")}) if r.group == "accuracy" else r
        for r in measured("a", 0.5, 1e9, 10)
    ]
    assert study_of(trained).doubts == []
    doubts = study_of([*trained, *measured("b", 0.5, 1e9, 10)]).doubts
    assert len(doubts) == 1
    assert doubts[0].startswith("started from random weights")
    assert study_of(measured("b", 0.5, 1e9, 10)).doubts == []


def test_a_study_without_accuracy_says_what_to_run() -> None:
    failure = record("accuracy", status="failed", reason="time-out")
    with pytest.raises(UserError, match=r"no accuracy record to show, 1 failed.*--retry-failed"):
        study_of([record("cost"), failure])


def test_labels_name_only_what_differs() -> None:
    base = measured("a", 0.5, 1e9, 1)[0].spec
    wide = base | {"module_width": 128}
    plain = base | {"fused_stages": [], "context": "none", "module_width": None}
    assert short_labels([base, plain]) == ["a · FRM dnl", "a · plain FPN"]
    assert short_labels([base, wide, plain]) == ["a · FRM dnl w64", "a · FRM dnl w128", "a · plain FPN"]


def test_labels_of_axes_of_other_networks_and_of_blocks_from_elsewhere() -> None:
    base = measured("a", 0.5, 1e9, 1)[0].spec
    pooled = base | {"unify": "max", "shift_size": 3}
    other = base | {"unify": "avg", "shift_size": 5}
    whole = {"network": "ddrnet23_slim"}
    assert short_labels([pooled, other, whole]) == [
        "a · FRM dnl max pool shift size 3",
        "a · FRM dnl avg pool shift size 5",
        "ddrnet23_slim",
    ]
    assert short_labels([{"network": "smp_unet", "backbone": "a"}]) == ["a · smp_unet"]


def test_axes_of_a_block_are_said_where_they_tell_its_variants_apart() -> None:
    base = measured("a", 0.5, 1e9, 1)[0].spec
    dnl, ppm = base | {"reduction": 2}, base | {"context": "ppm", "reduction": 4}
    assert short_labels([dnl, ppm]) == ["a · FRM dnl", "a · FRM ppm"]
    assert short_labels([dnl, ppm, dnl | {"reduction": 4}])[0] == "a · FRM dnl r2"


def test_backbones_that_differ_in_their_arguments_keep_them() -> None:
    spec = measured("net@pad_type=same", 0.5, 1e9, 1)[0].spec
    assert short_labels([spec]) == ["net · FRM dnl"]
    assert short_labels([spec, spec | {"backbone": "net"}]) == ["net@pad_type=same · FRM dnl", "net · FRM dnl"]


def test_classes_few_images_and_matrices_are_said_where_something_is_amiss(tmp_path: Path) -> None:
    records = [*measured("a", 0.5, 1e9, 5.0), *measured("b", 0.6, 2e9, 6.0)]
    plan = [r.key for r in records]
    first, second = (r for r in records if r.group == "accuracy")
    confusions = Confusions(tmp_path, "one")
    matrices = np.tile(np.eye(2, dtype=np.int64), (16, 1, 1))
    confusions.save(first.key, {"val": matrices, "test": matrices})
    confusions.save(second.key, {"val": matrices, "test": matrices})
    few = "the validation split has 16 images: intervals drawn from so few should be about 12 % wider"
    assert make_study("one", records, plan, confusions=confusions).doubts == [few]

    found = confusions.find(second.key)
    assert found is not None
    found.unlink()
    gone, said = make_study("one", records, plan, confusions=confusions).doubts
    assert said == few
    assert gone.startswith("the confusion matrices of 1 of 2 trainings are not in results/")
    assert "--retry-doubtful" in gone

    void = {"class_iou_val": [0.5, 0.0], "confusion_val": [[2, 1], [0, 0]]}  # all predict a car where there is none
    absent = [r if r.group != "accuracy" else r.model_copy(update={"details": r.details | void}) for r in records]
    (line,) = make_study("one", absent, plan).doubts
    assert line.startswith("no image of the val split holds car: ")
