"""What makes a latency doubtful: constructed numbers on both sides of each bound, and a machine that is really busy."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import psutil
import pytest

from bench.analysis.latency_quality import MOST_TAKEN_BY_OTHERS, between_processes, doubts_of
from bench.analysis.latency_warnings import doubtful_keys, network_lines, trust_lines
from bench.latency import conditions
from bench.latency.conditions import CpuTimes, Watch, shares
from bench.storage.records import AccuracyRecord, ProcessRecord
from tests.factories import record

STEADY = [10.0, 10.1, 9.9] * 6
QUIET: dict[str, Any] = {"samples_ms": STEADY, "warmup": {"passes": 8, "settled": True, "seconds": 0.01}}


def details(**changes: Any) -> dict[str, Any]:
    return QUIET | {"conditions": {}} | changes


def test_a_quiet_measurement_has_no_doubts() -> None:
    facts = {"others": 0.01, "stolen": 0.0, "cpu_mhz": [3000, 2990], "gpu_mhz": [1900, 1890], "gpu_max_mhz": 1980}
    assert doubts_of(details(conditions=facts)) == []


def test_a_record_of_before_the_facts_were_kept_has_none() -> None:
    assert doubts_of({"samples_ms": [1.0, 9.0, 30.0]}) == []


DOUBTFUL = [
    ({"conditions": {"others": 0.41}}, "others", "other processes took 41 % of the CPUs"),
    ({"conditions": {"stolen": 0.06}}, "stolen", "other virtual machines took 6.0 % of the CPUs"),
    ({"conditions": {"cpu_mhz": [3000, 2400]}}, "clock", "the clock of the CPU fell by 20 %"),
    ({"conditions": {"gpu_mhz": [1900, 1330], "gpu_max_mhz": 1400}}, "gpu clock", "the clock of the GPU fell by 30 %"),
    ({"conditions": {"gpu_mhz": [990, 990], "gpu_max_mhz": 1980}}, "gpu cap", "the GPU ran 50 % below"),
    ({"samples_ms": [10.0] * 6 + [10.2] * 6 + [11.0] * 6}, "drift", "the last samples were 10 % slower"),
    ({"samples_ms": [10.0, 14.0] * 9}, "within", "the quartiles of a process are 33 % of its median apart"),
    ({"warmup": {"passes": 60, "settled": False, "seconds": 0.01}}, "warm-up", "still got faster"),
]


@pytest.mark.parametrize(("facts", "kind", "words"), DOUBTFUL, ids=[kind for _, kind, _ in DOUBTFUL])
def test_a_doubt_says_why_and_what_to_do(facts: dict[str, Any], kind: str, words: str) -> None:
    (doubt,) = doubts_of(details(**facts))
    assert doubt.kind == kind
    assert words in doubt.words
    assert doubt.mend


def test_samples_that_got_faster_or_are_too_few_do_not_drift() -> None:
    assert doubts_of(details(samples_ms=[11.0] * 6 + [10.5] * 6 + [10.0] * 6)) == []
    assert doubts_of(details(samples_ms=[10.0, 10.0, 11.0, 11.0])) == []


def test_processes_that_differ_are_doubtful() -> None:
    (doubt,) = between_processes([10, 10, 12], 10, 12)
    assert doubt.words == "processes spread by 20 % of their median"
    assert between_processes([10, 10.2, 10.4], 10, 10.4) == []
    assert between_processes([10], 8, 12) == []  # of one process these are its quartiles


def test_shares_leave_out_what_the_process_took_itself() -> None:
    before, after = CpuTimes(busy=100, stolen=5, total=200, own=50), CpuTimes(busy=104, stolen=5.5, total=210, own=51)
    assert shares(before, after) == (0.3, 0.05)
    assert shares(before, before) == (None, None)
    assert (
        shares(before, CpuTimes(busy=100.5, stolen=5, total=210, own=51))[0] == 0
    )  # the system counts in hundredths of a second


def watch_for(seconds: float) -> float:
    """The share that others took while this process computed."""
    watch = Watch("cpu")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))
    others = watch.stop().others
    assert others is not None
    return others


@pytest.mark.slow
def test_busy_processes_are_seen_and_doubted() -> None:
    """As many as there are cores: whoever else works, they take their part."""
    cores = len(psutil.Process().cpu_affinity())
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores)]
    try:
        time.sleep(0.3)
        others = watch_for(1.0)
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert others > MOST_TAKEN_BY_OTHERS
    kinds = [doubt.kind for doubt in doubts_of(details(conditions={"others": others}))]
    assert kinds == ["others"]


def test_what_the_system_does_not_tell_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions, "cpu_mhz", lambda: None)
    assert Watch("cpu").stop().to_json() == {}  # too short for shares


def latencies(variant: str, times: tuple[float, ...] = (10, 10), **facts: Any) -> list[ProcessRecord]:
    """The processes of one variant."""
    found = []
    for restart, ms in enumerate(times):
        metrics = {"latency_cpu_ms": ms, "latency_cpu_ms_low": ms, "latency_cpu_ms_high": ms}
        one = record("latency", variant, metrics, setting={"restart": restart})
        found.append(one.model_copy(update={"details": details(**facts)}))
    return found


def test_doubts_are_told_a_line_a_kind() -> None:
    quiet = latencies("calm")
    busy = [r for i in range(3) for r in latencies(f"busy{i}", conditions={"others": 0.2 + i / 10})]
    wide = latencies("wide", (10, 13))
    lines = trust_lines([*quiet, *busy, *wide])
    assert len(lines) == 2
    assert lines[0].startswith("doubtful: CPU latency of 3 of 5 variants: other processes took up to 40 % of the CPUs")
    assert lines[1].startswith("doubtful: CPU latency of wide+dnl: processes spread by 26 % of their median")
    assert all("What to do: " in line and "--retry-doubtful" in line for line in lines)
    assert doubtful_keys([*quiet, *busy, *wide]) == {r.key for r in [*busy, *wide]}


def pair(variant: str, latency: dict[str, str], accuracy: dict[str, str]) -> tuple[ProcessRecord, AccuracyRecord]:
    """A latency and an accuracy, each of a network with these hashes."""
    timed, trained = record("latency", variant), record("accuracy", variant)
    return timed.model_copy(update={"details": latency}), trained.model_copy(update={"details": accuracy})


UNKNOWN: dict[str, str] = {}
TRAINED = {"weights_hash": "aaaa", "graph_hash": "bbbb"}
SAME = {"weights": "key"} | TRAINED


@pytest.mark.parametrize(
    ("latency", "accuracy", "words"),
    [
        (SAME, TRAINED, None),
        (UNKNOWN, TRAINED, "is of random start weights, as it was measured before trained weights were kept"),
        (SAME | {"weights": "random", "weights_hash": "cccc"}, TRAINED, "those that gave its mIoU are not in this"),
        (SAME | {"graph_hash": "cccc"}, TRAINED, "is of another graph than its mIoU"),
        (SAME | {"weights_hash": "cccc"}, TRAINED, "is of other trained weights than its mIoU"),
        (SAME | {"weights": "random"}, UNKNOWN, "those that gave its mIoU are not in this folder"),
    ],
)
def test_a_latency_of_another_network_than_the_miou_is_told(
    latency: dict[str, str], accuracy: dict[str, str], words: str | None
) -> None:
    timed, trained = pair("a", latency, accuracy)
    lines = network_lines([timed], [trained])
    assert len(lines) == (0 if words is None else 1)
    assert words is None or words in lines[0]


def test_a_latency_in_less_precision_than_the_miou_is_told() -> None:
    timed, trained = pair("a", SAME, TRAINED)
    timed = timed.model_copy(update={"setting": timed.setting.replace(precision="bfloat16")})
    assert network_lines([timed], [trained]) == ["latency of a+dnl is in bfloat16; its mIoU was measured in float32"]


def test_one_line_tells_it_of_all_variants() -> None:
    pairs = [pair(name, UNKNOWN, UNKNOWN) for name in "abc"]
    (line,) = network_lines([timed for timed, _ in pairs], [trained for _, trained in pairs])
    assert line.startswith("latency of all 3 variants is of random start weights")
