"""`bench pick adapt/NAME --labels N`: the best by the adapted mIoU, as the records have it."""

from __future__ import annotations

import json
from collections import defaultdict
from statistics import mean
from typing import Any

import pytest

from tests.conftest import PROJECT, RunBench

NAME = "camvid_dusk"


@pytest.fixture(scope="module")
def mious() -> dict[tuple[int, str], float]:
    """Means over seeds by labels and candidate, straight from the file."""
    found: dict[tuple[int, str], list[float]] = defaultdict(list)
    for path in (PROJECT / "results" / "adapt" / NAME).glob("*.jsonl"):
        for record in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            if record["setting"]["step"] == "none":
                arm = record["words"]["arm"].partition(":")[0]
                found[record["setting"]["labels"], f"{record['variant']}, {arm}"].append(record["metrics"]["miou_val"])
    return {key: mean(values) for key, values in found.items()}


def picked(run_bench: RunBench, *arguments: str) -> Any:
    done = run_bench("pick", *arguments, "--json", "--results", str(PROJECT / "results"))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("labels", [0, 8, 46])
def test_the_pick_has_the_highest_mean(run_bench: RunBench, mious: dict[tuple[int, str], float], labels: int) -> None:
    answer = picked(run_bench, f"adapt/{NAME}", "--labels", str(labels))
    of_budget = {name: miou for (count, name), miou in mious.items() if count == labels}
    best = max(of_budget, key=lambda name: of_budget[name])
    assert answer["pick"]["variant"] == best
    assert answer["pick"]["values"]["miou_val"] == pytest.approx(of_budget[best])
    assert answer["candidates"] == len(of_budget)
    low, high = answer["pick"]["intervals_95"]["miou_val"]
    assert low < of_budget[best] < high
    assert f"{labels} of 46 training images with labels" in answer["measured_on"][0]


@pytest.mark.slow
def test_all_labels_are_the_default_and_limits_hold(run_bench: RunBench) -> None:
    plain = picked(run_bench, f"adapt/{NAME}")
    assert plain == picked(run_bench, f"adapt/{NAME}", "--labels", "all")
    light = picked(run_bench, f"adapt/{NAME}", "--gmacs", "<=2.18")
    assert light["within"] < light["candidates"]
    assert light["pick"]["values"]["macs"] <= 2.18e9


def test_latencies_come_from_a_sweep_of_the_same_variants(run_bench: RunBench) -> None:
    answer = picked(run_bench, f"adapt/{NAME}", "camvid_modules", "--labels", "16", "--latency", "<=1s")
    assert answer["pick"]["values"]["latency_cpu_ms"] > 0
    assert any("eager PyTorch, CPU" in line for line in answer["measured_on"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((f"adapt/{NAME}", "--labels", "9"), "has 0, 8, 16, 32, 46"),
        ((f"adapt/{NAME}", "--labels", "few"), "neither a number of images nor 'all'"),
        ((f"adapt/{NAME}", "--latency", "<=1s"), "an adaptation measures no latency"),
        (("adapt/nowhere",), "nowhere"),
        (("camvid", "--labels", "8"), "--labels is of an adaptation"),
        ((f"adapt/{NAME}", "adapt/other"), "name one"),
    ],
)
def test_what_cannot_be_answered_is_said(run_bench: RunBench, arguments: tuple[str, ...], words: str) -> None:
    done = run_bench("pick", *arguments, "--results", str(PROJECT / "results"))
    assert done.returncode == 2
    assert words in done.stderr
