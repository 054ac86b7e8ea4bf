"""Attention without the matrix of all pairs: agreement with the plain formula, and how memory grows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bench.cli.attention_command import print_table
from bench.cost.attention_memory import Comparison, compare, in_own_process, plain_bytes, shortage
from bench.cost.attention_pass import PassRequest, PlainAttention, make_block
from bench.cost.attention_setting import BLOCKS, Setting
from tests.conftest import RunBench


@pytest.mark.parametrize("name", BLOCKS)
def test_ours_and_plain_agree_and_only_plain_holds_the_matrix(name: str) -> None:
    block, x = make_block(name, 16).eval(), torch.randn(1, 16, 24, 40)
    with torch.no_grad():
        ours = block(x)
        ours_bytes = largest_allocation(lambda: block(x))
        with PlainAttention():
            plain = block(x)
            plain_largest = largest_allocation(lambda: block(x))
    assert (ours - plain).abs().max() <= 1e-5
    matrix = (24 * 40) ** 2 * 4
    assert ours_bytes < matrix <= plain_largest


def largest_allocation(run: Callable[[], object]) -> int:
    """Bytes of the largest single allocation of torch while it runs."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        run()
    return max(int(event.self_cpu_memory_usage) for event in profile.events())


@pytest.fixture(scope="module")
def growth() -> dict[int, Comparison]:
    """The non-local block on 2,048 and 8,192 positions, in processes of their own."""
    sizes = ((512, 256), (1024, 512))
    found = [
        next(
            compare(
                ("nonlocal",), (8,), Setting(size=size, channels=16, threads=1, passes=1, backward=False, device="cpu")
            )
        )
        for size in sizes
    ]
    return {one.positions: one for one in found}


@pytest.mark.slow
def test_memory_of_ours_grows_with_the_positions_and_of_plain_with_their_square(
    growth: dict[int, Comparison],
) -> None:
    few, many = growth[2_048], growth[8_192]
    assert few.ours
    assert few.plain
    assert many.ours
    assert many.plain
    assert 2 < many.ours.peak_bytes / few.ours.peak_bytes < 6  # 4 times the positions
    assert 12 < many.plain.peak_bytes / few.plain.peak_bytes < 18
    assert many.plain.peak_bytes == pytest.approx(plain_bytes("nonlocal", 8_192, backward=False), rel=0.1)


@pytest.mark.slow
def test_processes_see_the_same_weights_and_map(growth: dict[int, Comparison]) -> None:
    for one in growth.values():
        assert one.difference is not None
        assert one.difference <= 1e-5


@pytest.mark.parametrize(("block", "gigabytes"), [("nonlocal", 8.6), ("dnl", 8.6), ("transformer", 17.2)])
def test_plain_is_refused_where_its_matrices_do_not_fit(block: str, gigabytes: float) -> None:
    needed = plain_bytes(block, 32_768, backward=False)  # 1/8 of 2048x1024; two heads in the transformer
    assert shortage(needed, 8_000_000_000) == f"needs about {gigabytes} GB, 8.0 GB free"
    assert shortage(needed, 20_000_000_000) == ""


@pytest.mark.slow
def test_a_process_that_fails_is_reported(tmp_path: Path) -> None:
    request = PassRequest(
        block="dnl",
        plain=True,
        map_size=(8, 8),
        setting=Setting(size=(64, 64), channels=16, threads=1, passes=1, backward=False, device="nowhere"),
        output=str(tmp_path / "output.pt"),
    )
    said = in_own_process(request)
    assert isinstance(said, str)
    assert said.startswith("failed: RuntimeError: ")
    assert "device type" in said


@pytest.mark.slow
def test_command_prints_json(run_bench: RunBench) -> None:
    small = ("attention", "--block", "transformer", "--stride", "32", "--size", "256x128", "--width", "16")
    done = run_bench(*small, "--passes", "1", "--backward", "--json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    (one,) = data["comparisons"]
    assert one["positions"] == 32
    assert one["difference"] <= 1e-5
    assert one["ours"]["median_ms"] > 0
    assert data["backward"] is True
    assert "transformer at 1/32" in done.stderr


@pytest.mark.slow
def test_table_says_what_it_means(growth: dict[int, Comparison], capsys: pytest.CaptureFixture[str]) -> None:
    refused = Comparison(
        block="dnl",
        stride=8,
        positions=32_768,
        ours=growth[2_048].ours,
        plain=None,
        plain_said="needs about 8.6 GB, 8.0 GB free",
    )
    print_table(
        [*growth.values(), refused],
        Setting(size=(512, 256), channels=16, threads=1, passes=1, backward=False, device="cpu"),
    )
    printed = capsys.readouterr().out
    assert "8,192" in printed
    assert "highest resident memory of the process in the first pass" in printed
    assert "shared machine are noisy" in printed
    assert "dnl at 1/8, plain: needs about 8.6 GB, 8.0 GB free" in printed
