"""`bench adapt` times its steps once on a machine, after the trainings, and its report says what they take."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_model

from bench.adapt.analysis.adaptation import Adaptation
from bench.adapt.analysis.step_times import step_time
from bench.adapt.inference import Inference, read_steps
from bench.adapt.plan import Request
from bench.adapt.render.report import write_adaptation
from bench.adapt.render.step_times import NOT_TIMED, SAME_NETWORK, added_words
from bench.adapt.start import Start
from bench.adapt.step_latency import time_steps
from bench.adapt.step_timing import Timing, plan_timings, run_timings
from bench.adapt.steps import Picture, Step
from bench.analysis.latency_quality import doubt
from bench.data.streets import Streets
from bench.errors import UserError
from bench.settings.latency import LatencySetting
from bench.stats.interval import Interval
from bench.storage.records import StepRecord
from bench.storage.store import Store
from bench.system.machine import machine_id
from tests.adapt.test_adapt_command import adapt, messy, one_thread, records
from tests.adaptations import ladder
from tests.conftest import RunBench
from variants.names import parse_name
from variants.network import build

__all__ = ["messy", "one_thread"]
NET = parse_name("lcnet_050+fpn8-head8")
STEPS = "clahe,grey_world,batchnorm,resize-2,grey_world+resize-0.5"
PASSES = 16


class Hungry(Inference):
    """A step for which no machine has the memory."""

    def fit(self, source: Sequence[Picture], target: Sequence[Picture]) -> Step:
        return lambda image: np.zeros(2**60, np.uint8)


def request_for(steps: str, start: Path = Path("net.safetensors"), width: int = 96) -> Request:
    data = Streets(width, 64, train=4, val=2, test=2)
    return Request(
        name="made_up",
        specs=[NET],
        starts={NET: Start(file=start, weights="0" * 12, classes=data.classes)},
        dataset=data,
        dataset_options={},
        budgets=[4],
        seeds=range(1),
        arms=["full"],
        inferences=read_steps(steps),
        way=("cpu", "float32"),
    )


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Timing], list[StepRecord], Store]:
    """Steps on the image, the network at two sizes, and other statistics; of few passes."""
    folder = tmp_path_factory.mktemp("timed")
    torch.manual_seed(0)
    save_model(build(NET, len(Streets.classes)), str(folder / "net.safetensors"))
    request, store = request_for(STEPS, folder / "net.safetensors"), Store(folder / "adapt")
    timings, found = plan_timings(request, PASSES), []
    assert not run_timings(request, timings, store, lambda timing, record: found.append(record))
    return timings, found, store


@pytest.fixture
def adaptation(timed: tuple[list[Timing], list[StepRecord], Store]) -> Adaptation:
    """Networks with those steps, and what these take."""
    made = ladder({0: 0.4, 8: 0.5, 16: 0.6}, variant=NET.name)
    for inference in read_steps(STEPS)[1:]:
        ladder({8: 0.5, 16: 0.6}, made=made, variant=NET.name, step=inference.name)
    made.records += timed[1]
    return made.adaptation()


def test_each_step_that_takes_time_is_planned_once_a_machine() -> None:
    timings = plan_timings(request_for(STEPS))
    assert [timing.inference.name for timing in timings] == [
        "clahe",
        "grey_world",
        "resize-2",
        "grey_world+resize-0.5",
    ], "other statistics are other numbers in the same network"
    keys = [timing.key for timing in timings]
    assert len(set(keys)) == 4
    assert keys == [timing.key for timing in plan_timings(request_for(STEPS))]
    for other in (plan_timings(request_for(STEPS), 8), plan_timings(request_for(STEPS, width=128))):
        assert not set(keys) & {timing.key for timing in other}
    assert "scikit-image" in timings[0].setting.step_versions
    assert timings[1].setting.step_versions == {}


@pytest.mark.slow
def test_records_hold_the_pass_the_step_and_what_it_adds(timed: tuple[list[Timing], list[StepRecord], Store]) -> None:
    timings, found, store = timed
    assert [record.key for record in found] == [timing.key for timing in timings]
    assert [record.to_line() for record in store.read("made_up")] == [record.to_line() for record in found]
    assert {(record.group, record.machine_id) for record in found} == {("latency", machine_id())}
    for record in found:
        assert len(record.details["added_ms"]["samples"]) == PASSES
        assert record.setting.size == (96, 64)
        assert (record.setting.threads, record.setting.runtime, record.setting.batch) == (1, "eager", 1)
        numbers = record.metrics
        assert numbers["latency_cpu_ms_low"] <= numbers["latency_cpu_ms"] <= numbers["latency_cpu_ms_high"]
        assert numbers["added_ms_low"] <= numbers["added_ms"] <= numbers["added_ms_high"]
    clahe, grey, doubled, both = (record.metrics for record in found)
    assert clahe["step_ms"] > grey["step_ms"]
    assert clahe["added_ms"] > 0
    assert doubled["added_ms"] > 0, "four times the pixels"
    assert "step_ms" not in doubled
    assert both["step_ms"] > 0


def test_passes_at_another_size_are_of_eager_pytorch_and_end_when_time_is_up() -> None:
    net, image = build(NET, 4), Streets(96, 64).load("train")[0].image
    with pytest.raises(UserError, match="half: passes at another size are timed by eager PyTorch, not compile"):
        time_steps(
            {},
            net,
            image,
            LatencySetting(size=(96, 64), classes=4, runtime="compile", scope="transfer"),
            scales={"half": 0.5},
        )
    setting = LatencySetting(size=(96, 64), classes=4, scope="transfer")
    (found,) = time_steps({"same": lambda image: image}, net, image, setting, most_seconds=0.0)
    assert len(found.added_ms) == 9


def test_a_step_that_fails_is_a_record_and_ends_no_other(tmp_path: Path) -> None:
    save_model(build(NET, len(Streets.classes)), str(tmp_path / "net.safetensors"))
    request = request_for("grey_world,gamma", tmp_path / "net.safetensors")
    first, second = plan_timings(request, 9)
    hungry = replace(first, inference=Hungry(name="grey_world", image="grey_world"))
    (failed,) = run_timings(request, [hungry, second], Store(tmp_path), lambda timing, record: None)
    assert (failed.status, failed.setting.step) == ("failed", "grey_world")
    assert failed.reason is not None
    assert "Unable to allocate 1.00 EiB" in failed.reason
    assert [record.status for record in Store(tmp_path).read("made_up")] == ["failed", "ok"]


def test_curves_are_of_trainings_and_times_of_steps(adaptation: Adaptation) -> None:
    assert {record.group for record in adaptation.records} == {"adaptation"}
    assert {line.variant for line in adaptation.curves} == {NET.name}
    times = adaptation.step_times(NET.name)
    assert list(times) == ["clahe", "grey_world", "resize-2", "grey_world+resize-0.5"]
    assert times["clahe"].added.value == times["clahe"].record.details["added"]["value"]
    assert times["resize-2"].alone is None
    assert adaptation.step_times("another") == {}


def test_the_report_says_what_steps_take_with_the_machine(adaptation: Adaptation, tmp_path: Path) -> None:
    page = write_adaptation(adaptation, tmp_path)
    texts = page.read_text(), page.with_name("README.md").read_text().replace("\\", "")
    for text in texts:
        for words in (
            "What steps take",
            "added to a pass",
            "step alone",
            SAME_NETWORK,
            "0, the same network",
            "Steps timed on",
            f"{PASSES} passes of each",
            "one 96x64 image",
            "scikit-image",
            added_words([step_time(adaptation.timings[0])]),
        ):
            assert words in text, words
        assert NOT_TIMED not in text
    assert "`steps.csv` the time of every step" in texts[1]
    rows = pd.read_csv(page.with_name("steps.csv"))
    assert rows.step.tolist() == ["clahe", "grey_world", "resize-2", "grey_world+resize-0.5"]
    assert rows.added_ms.tolist() == pytest.approx([record.metrics["added_ms"] for record in adaptation.timings])
    assert rows.step_ms.isna().tolist() == [False, False, True, False]
    assert set(rows.machine) == {machine_id()}


@pytest.mark.slow
def test_steps_without_times_say_so_and_other_statistics_need_none(tmp_path: Path) -> None:
    for step, untimed, same in (("clahe", True, False), ("batchnorm", False, True)):
        made = ladder({8: 0.5, 16: 0.6}, made=ladder({8: 0.5, 16: 0.6}), step=step)
        page = write_adaptation(made.adaptation(), tmp_path)
        text = page.with_name("README.md").read_text().replace("\\", "")
        assert (NOT_TIMED in text, SAME_NETWORK in text) == (untimed, same)
        assert "What steps take" not in text
        assert not page.with_name("steps.csv").exists()


def test_added_time_in_words(timed: tuple[list[Timing], list[StepRecord], Store]) -> None:
    one = replace(step_time(timed[1][0]), added=Interval(5.71, 5.5, 5.93), plain=30.1)
    assert added_words([one]) == "adds 5.7 ms (5.5 to 5.9) to a pass of 30.1 ms"
    saved = replace(one, added=Interval(-20.1, -20.3, -19.9))
    assert added_words([saved]) == "takes 20.1 ms (19.9 to 20.3) from a pass of 30.1 ms"
    unknown = replace(one, added=Interval(0.04, -0.1, 0.2))
    assert added_words([unknown]) == "adds nothing that is known, 0.04 ms (−0.1 to 0.2) to a pass of 30.1 ms"
    assert added_words([one, replace(one, added=Interval(6.2, 6.0, 6.4), plain=41.0)]) == (
        "adds 5.7 to 6.2 ms to passes of 30.1 to 41.0 ms"
    )


def test_doubts_about_times_and_failures_are_said_with_what_to_do(adaptation: Adaptation, tmp_path: Path) -> None:
    busy = doubt("others", 0.4)
    told = [{"kind": busy.kind, "size": busy.size, "words": busy.words}]
    first, second, *_ = adaptation.timings
    first = first.model_copy(update={"details": first.details | {"doubts": told}})
    second = second.model_copy(update={"details": second.details | {"doubts": []}})
    failed = second.model_copy(update={"status": "failed", "reason": "no memory is left", "metrics": {}})
    page = write_adaptation(replace(adaptation, timings=[first, second], failed_timings=[failed]), tmp_path)
    text = page.with_name("README.md").read_text().replace("\\", "")
    assert (
        "doubtful: 1 of 2 times of steps: other processes took 40 % of the CPUs meanwhile. What to do: end them" in text
    )
    assert f"failed: time of grey_world of {NET.name}: no memory is left" in text
    assert "| others |" in text


@pytest.mark.slow
def test_the_command_times_after_the_trainings_and_only_what_is_missing(run_bench: RunBench, messy: Path) -> None:
    asked = ("--labels", "4", "--seeds", "1", "--arms", "full", "--steps", "grey_world,batchnorm,resize-1.5")
    planned = adapt(run_bench, messy, *asked, "--dry-run")
    assert "to train: 1 of 1, 10 updates each; the others are done; to time: 2 of 2 (2 steps of 1 variant)" in (
        planned.stderr
    )
    assert "time of lcnet_050+fpn8-head8, resize-1.5" in planned.stdout
    done = adapt(run_bench, messy, *asked)
    assert done.returncode == 0, done.stderr
    assert "what steps take (ms): eager PyTorch, CPU with 1 thread" in done.stdout
    assert [record["group"] for record in records(messy.parent, "")] == ["adaptation"] * 4 + ["latency"] * 2
    assert "to time" not in adapt(run_bench, messy, *asked, "--dry-run").stderr

    path = next((messy.parent / "results" / "adapt").glob("*/*.jsonl"))
    *lines, last = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines), encoding="utf-8")
    again = adapt(run_bench, messy, *asked)
    assert (
        "to train: 0 of 1, 10 updates each; the others are done; to time: 1 of 2 (1 step of 1 variant)" in again.stderr
    )
    assert records(messy.parent, "latency")[-1]["key"] == json.loads(last)["key"]
    assert len(records(messy.parent, "latency")) == 2, "what was there was not timed again"
    assert len(records(messy.parent, "adaptation")) == 4
    shown = run_bench("show", "--group", "latency")
    assert "lcnet_050+fpn8-head8 with resize-1.5: CPU latency" in shown.stdout
