"""What frames cost: by hand, from the user's prices, and from counters that wrap."""

from pathlib import Path

import pytest

from bench.decision.prices import MachinePrice, read_prices
from bench.decision.roi import break_even, measured_joules, running
from bench.errors import UserError
from bench.latency import energy
from bench.latency.energy import Counter, energy_counters, joules_between, measure_energy
from bench.stats.interval import Interval
from tests.conftest import PROJECT, RunBench
from tests.decision.test_pick import saved

PRICE = MachinePrice(machine="test", device="cpu", price_per_hour=3.6, watts=50, streams=2)
EXAMPLE = PROJECT / "docs" / "examples" / "prices.yaml"


def test_a_million_frames_cost_what_their_hours_cost() -> None:
    run = running("v", Interval(10, 8, 12), batch=1, price=PRICE, joules_per_pass=None)
    assert run.frames_per_s == 200  # two streams of 100
    assert run.per_million.value == pytest.approx(1e6 / 200 / 3600 * 3.6)
    assert [run.per_million.low, run.per_million.high] == pytest.approx([4, 6])
    assert run.frames_per_joule == pytest.approx(200 / 50)
    assert not run.energy_is_measured


def test_measured_energy_comes_before_the_watts_of_the_file() -> None:
    details: list[dict[str, object]] = [
        {"energy": {"joules": 6.0, "passes": 2, "seconds": 2.0}},
        {"energy": {"joules": 2.0, "passes": 2, "seconds": 2.0}},
    ]
    joules = measured_joules(details)
    assert joules == 2.0
    run = running("v", Interval(10, 10, 10), batch=4, price=PRICE, joules_per_pass=joules)
    assert run.frames_per_joule == 2.0
    assert run.energy_is_measured
    bare = PRICE.model_copy(update={"watts": None})
    assert running("v", Interval(10, 10, 10), 1, bare, None).frames_per_joule is None


def test_a_change_pays_when_what_it_saves_makes_up_for_it() -> None:
    dear = running("a", Interval(20, 18, 22), 1, PRICE, None)
    cheap = running("b", Interval(10, 9, 11), 1, PRICE, None)
    frames = break_even(dear, cheap, one_off=100)
    assert frames is not None
    assert frames.value == pytest.approx(100 / (10 - 5) * 1e6)
    assert frames.low < frames.value < frames.high
    assert break_even(cheap, dear, one_off=100) is None
    close = break_even(dear, running("b", Interval(19, 15, 23), 1, PRICE, None), one_off=100)
    assert close is not None
    assert close.high == float("inf"), "it may never pay"


def test_counters_are_read_from_packages_alone_and_may_wrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    domains = {"intel-rapl:0": ("package-0", 9_000_000), "intel-rapl:0:0": ("core", 5), "intel-rapl:1": ("psys", 7)}
    for domain, (name, microjoules) in domains.items():
        (tmp_path / domain).mkdir()
        for file, value in (("name", name), ("energy_uj", microjoules), ("max_energy_range_uj", 10_000_000)):
            (tmp_path / domain / file).write_text(f"{value}\n")
    monkeypatch.setattr(energy, "RAPL", tmp_path)
    read = energy_counters("cpu")
    before = read()
    assert before == {"intel-rapl:0": Counter(9.0, 10.0)}
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("1000000\n")
    assert joules_between(before, read()) == pytest.approx(2.0)
    monkeypatch.setattr(energy, "RAPL", tmp_path / "nowhere")
    assert joules_between(read(), read()) is None


def test_the_command_prices_a_sweep_and_says_that_an_example_is_one(run_bench: RunBench, tmp_path: Path) -> None:
    saved(tmp_path, {"mine": [0.6, 0.7]})
    prices = tmp_path / "prices.yaml"
    prices.write_text("currency: EUR\nmachines:\n  - {machine: test-cpu, device: cpu, price_per_hour: 3.6}\n")
    change = ("--change", "net_1+dnl", "net_0+dnl", "--one-off", "10", "--frames-per-day", "1000000")
    done = run_bench("roi", "mine", "--prices", "prices.yaml", *change)
    assert done.returncode == 0, done.stderr
    assert "unknown" in done.stdout, "no watts, no counters"
    assert "pays from 10.0 million frames on" in done.stdout
    assert "after 10 days" in done.stdout
    assert "EXAMPLE" not in done.stderr
    example = run_bench("roi", "camvid", "--prices", str(EXAMPLE), "--results", str(PROJECT / "results"))
    assert "the prices are an EXAMPLE" in example.stderr
    assert "doubtful: " in example.stderr, "some latencies of camvid are, and the page says so"
    prices.write_text(prices.read_text().replace("test-cpu", "elsewhere"))
    missing = run_bench("roi", "mine", "--prices", "prices.yaml")
    assert missing.returncode == 2
    assert "the prices have 0 entries for test-cpu-2-cores-abcdef (cpu)" in missing.stderr


def test_a_bad_file_of_prices_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("currency: EUR\nmachines:\n  - {machine: a, device: cpu, price_per_hour: -1}\n")
    with pytest.raises(UserError, match=r"prices\.yaml:3: .*price_per_hour should be greater than 0"):
        read_prices(path)


def test_energy_is_of_many_passes_and_unknown_without_counters() -> None:
    passes: list[None] = []
    energy = measure_energy(lambda: passes.append(None), lambda: {"gpu": Counter(3.0 * len(passes), None)}, span_s=0.02)
    assert energy is not None
    assert energy.passes == len(passes) > 1
    assert energy.joules == pytest.approx(3 * energy.passes)
    assert energy.seconds >= 0.02
    assert measure_energy(lambda: passes.append(None), dict) is None
