"""The clock on tiny real networks, with a clock of our own where only order and counts matter."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from bench.latency import clock
from bench.latency.clock import measure_latency
from bench.latency.runtimes import RUNTIMES
from bench.metrics import COST_METRICS, DETAIL_METRICS, LATENCIES, METRICS, latency_metric
from bench.settings.latency import LatencySetting
from bench.settings.runtimes import RUNTIMES_OF
from tests.conftest import PROJECT
from variants.names import parse_name
from variants.network import Network, build

SPEC = parse_name("lcnet_050+frm34-dnl-w16+fpn8-head8")
SETTING = LatencySetting(size=(64, 64), classes=3)


def make_net() -> Network:
    return build(SPEC, 3)


def test_it_takes_as_many_samples_as_asked_for_after_a_warm_up(tmp_path: Path) -> None:
    timing = measure_latency(make_net, SETTING, 7, tmp_path / "graph")
    assert len(timing.samples_ms) == 7
    assert all(sample > 0 for sample in timing.samples_ms)
    assert timing.warm.passes >= 8
    assert timing.parity is None
    facts = timing.to_json()
    assert set(facts) == {"samples_ms", "warmup", "conditions"}


@pytest.mark.slow
def test_threads_are_those_of_the_setting(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    try:
        measure_latency(make_net, LatencySetting(size=(64, 64), classes=3, threads=2), 3, tmp_path / "graph")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_sample_ends_when_the_device_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ticks of a clock of our own: the wait belongs to the sample, the warm-up does not."""
    now = [0]

    def one_pass() -> torch.Tensor:
        now[0] += 3_000_000
        return torch.zeros(1)

    def wait() -> None:
        now[0] += 2_000_000

    monkeypatch.setattr(clock, "wait_for", lambda device: wait)
    monkeypatch.setattr(time, "perf_counter_ns", lambda: now[0])
    timing = clock._time_passes(one_pass, "cpu", 4, None)
    assert timing.samples_ms == [5.0] * 4


_FORKED = """
import os, torch
from bench.latency.memory_layout import memory_laid_out_anew
for child in range(6):
    if os.fork() == 0:
        with memory_laid_out_anew():
            print(torch.empty(100_000).data_ptr(), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.mark.slow
def test_each_process_lays_its_memory_out_anew() -> None:
    """In children of a server that is as fresh as a host: a long life leaves holes that always serve."""
    done = subprocess.run([sys.executable, "-c", _FORKED], capture_output=True, text=True, check=True, cwd=PROJECT)
    addresses = done.stdout.split()
    assert len(addresses) == 6
    assert len(set(addresses)) > 1


def test_every_runtime_of_every_device_has_a_median_and_a_percentile() -> None:
    assert set(RUNTIMES) == {runtime for runtimes in RUNTIMES_OF.values() for runtime in runtimes}
    assert latency_metric("cpu", "eager") == "latency_cpu_ms"
    assert latency_metric("cuda", "cudagraph") == "latency_cuda_cudagraph_ms"
    for metric in LATENCIES:
        assert metric in METRICS
        assert metric in COST_METRICS
        assert f"{metric}_p90" in DETAIL_METRICS
    assert len({METRICS[m].label for m in (*COST_METRICS, *DETAIL_METRICS)}) == len(COST_METRICS) + len(DETAIL_METRICS)
