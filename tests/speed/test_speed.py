"""The race of counters, on a small image: that it runs, agrees and says ratios. How fast is no test's to say."""

from __future__ import annotations

import re

import pytest

from bench.cost.count import count_variant
from bench.errors import UserError
from bench.speed.counting import AXES, race, time_space
from tests.conftest import RunBench
from variants.names import parse_name
from variants.space import expand

SPEC = "lcnet_050+fpn16-head16"


@pytest.mark.slow
def test_counters_take_turns_and_agree_on_a_network_of_convolutions() -> None:
    rounds: list[int] = []
    result = race(SPEC, (128, 64), 19, threads=1, rounds=2, on_round=rounds.append)
    assert rounds == [1, 2]
    macs = count_variant(parse_name(SPEC), 19, 128, 64).total.macs
    assert {run.counted for run in result.runs["bench"]} == {macs}
    assert all(abs(run.counted / macs - 1) < 0.2 for runs in result.runs.values() for run in runs)
    assert all(run.seconds > 0 and run.resident > run.added for runs in result.runs.values() for run in runs)
    first = result.runs["fvcore"][0].seconds / result.runs["bench"][0].seconds
    assert result.ratios("fvcore")[0] == pytest.approx(first)


@pytest.mark.slow
def test_a_counter_that_ends_is_said() -> None:
    with pytest.raises(UserError, match="ended without counting no_such_net"):
        race("no_such_net+fpn16-head16", (128, 64), 19, threads=1, rounds=1, on_round=lambda _: None)


@pytest.mark.slow
def test_the_large_space_is_large_and_is_counted_side_by_side() -> None:
    assert len(expand(AXES).specs) > 10_000
    done: list[None] = []
    result = time_space(40, (64, 64), 19, workers=2, on_variant=lambda: done.append(None))
    assert (result.variants, len(done)) == (40, 40)
    assert result.count_seconds > 0


@pytest.mark.slow
def test_the_command_prints_ratios(run_bench: RunBench) -> None:
    done = run_bench("speed", "cost", SPEC, "--size", "128x64", "--rounds", "1", "--threads", "1")
    assert done.returncode == 0, done.stderr
    for peer in ("fvcore", "ptflops"):
        assert re.search(rf"^{peer} takes \d+ times as long", done.stdout, re.MULTILINE)
    assert "ours adds" in done.stdout
