"""`bench pick`: the best within limits, how sure that is, and what each limit costs."""

import itertools
import json
import random
from pathlib import Path

import numpy as np
import pytest

from bench.analysis.candidates import Candidate
from bench.analysis.constraints import Limit, read_limit
from bench.analysis.resampling import draw_latencies, draw_mious, front_chances
from bench.decision.pick import pick
from bench.decision.selection_probability import sureness_of
from bench.errors import UserError
from bench.stats.interval import percentile_interval
from bench.storage.confusions import Confusions
from bench.storage.store import Store
from tests.conftest import PROJECT, RunBench
from tests.factories import measured, record

COMMITTED = ("--results", str(PROJECT / "results"))


def candidates(count: int, seed: int) -> list[Candidate]:
    draw = random.Random(seed)
    return [
        Candidate(
            f"v{i}",
            {"miou_val": draw.randint(50, 80) / 100, "macs": draw.randint(1, 20) * 1e9, "parameters": draw.random()},
        )
        for i in range(count)
    ]


@pytest.mark.parametrize(
    ("metric", "text", "value"),
    [
        ("miou_val", ">=0.70", 0.7),
        ("miou_val", ">= 70%", 0.7),
        ("latency_cpu_ms", "<=30ms", 30.0),
        ("latency_cpu_ms", "<=0.03s", 30.0),
        ("macs", "<=8", 8e9),
        ("parameters", "<=5M", 5e6),
        ("parameters", "<=750k", 750e3),
        ("peak_bytes", "<=200MB", 200e6),
    ],
)
def test_limits_are_read_in_their_units(metric: str, text: str, value: float) -> None:
    limit = read_limit(metric, text)
    assert limit.metric == metric
    assert limit.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("metric", "text", "words"),
    [
        ("latency_cpu_ms", "30", "is no limit on CPU latency: write it as '<=30ms'"),
        ("latency_cpu_ms", ">=30ms", "bounds CPU latency on its good side, since lower is better"),
        ("miou_val", "<=0.7", "on its good side, since higher is better"),
        ("miou_val", ">=70", "more than all"),
        ("macs", "<=8ms", "is no limit on MACs"),
        ("macs", "<=0", "'<=0' is a limit of 0, which no variant meets"),
        ("miou_val", ">=0", "'>=0' is a limit of 0, which every variant meets"),
        ("parameters", "<=0.3", "'0.3' is less than one parameter; 0.3 million is written 0.3M"),
        ("parameters", "<=2.5", "'2.5' is no whole number of parameters; 2.5 million is written 2.5M"),
    ],
)
def test_what_is_no_limit_is_refused_with_an_example(metric: str, text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_limit(metric, text)


@pytest.mark.parametrize("seed", range(30))
def test_the_pick_is_what_a_search_by_hand_finds(seed: int) -> None:
    variants = candidates(12, seed)
    limits = [Limit("miou_val", 0.6), Limit("macs", 12e9)]
    within = [c for c in variants if c.values["miou_val"] >= 0.6 and c.values["macs"] <= 12e9]
    found = pick(variants, limits, "parameters")
    assert found.within == len(within)
    ordered = sorted(within, key=lambda c: c.values["parameters"])
    assert [found.best, found.runner_up] == [*ordered[:2], None, None][:2]


@pytest.mark.parametrize("seed", range(30))
def test_a_step_of_a_limit_is_the_least_that_buys_so_much(seed: int) -> None:
    variants = candidates(12, seed)
    limits = [Limit("miou_val", 0.65), Limit("macs", 8e9)]
    found = pick(variants, limits, "parameters")
    for step in found.relaxations:
        looser = [
            Limit(limit.metric, limit.value + (-1 if limit.is_least else 1) * step.by * (1 + 1e-9))
            if limit is step.limit
            else limit
            for limit in limits
        ]
        again = pick(variants, looser, "parameters").best
        assert again == step.candidate
        assert found.best is not None
        assert found.best.values["parameters"] - step.candidate.values["parameters"] == pytest.approx(step.gain)
    by_limit = [[s.gain for s in found.relaxations if s.limit is limit] for limit in limits]
    assert all(gains == sorted(gains) for gains in by_limit)


@pytest.mark.parametrize("seed", range(30))
def test_without_a_pick_the_conflict_is_the_fewest_limits_that_nothing_meets(seed: int) -> None:
    variants = candidates(5, seed)
    limits = [Limit("miou_val", 0.75), Limit("macs", 6e9), Limit("parameters", 0.3)]
    found = pick(variants, limits, "macs")
    if found.best is not None:
        assert found.conflict == ()
        return
    assert not any(c.meets(found.conflict) for c in variants)
    for fewer in itertools.combinations(found.conflict, len(found.conflict) - 1):
        assert any(c.meets(fewer) for c in variants)
    assert found.nearest in variants


@pytest.mark.parametrize("seed", range(5))
def test_without_a_pick_each_limit_that_could_bring_one_says_by_how_much(seed: int) -> None:
    variants = candidates(8, seed)
    limits = [Limit("miou_val", 0.81), Limit("macs", 3e9)]
    found = pick(variants, limits, "macs")
    assert found.best is None
    for limit, other in zip(limits, reversed(limits), strict=True):
        misses = [limit.shortfall(c.values[limit.metric]) for c in variants if other.holds(c.values[other.metric])]
        assert [way.by for way in found.ways_out if way.limit is limit] == ([min(misses)] if misses else [])
        for way in (way for way in found.ways_out if way.limit is limit):
            looser = Limit(limit.metric, way.candidate.values[limit.metric])
            assert pick(variants, [looser, other], "macs").best is not None


@pytest.mark.parametrize("seed", range(5))
def test_more_miou_costs_what_a_pick_of_that_miou_costs_more(seed: int) -> None:
    variants, limits = candidates(12, seed), [Limit("miou_val", 0.55), Limit("macs", 18e9)]
    found = pick(variants, limits, "macs")
    assert found.best is not None
    for step in found.upgrades:
        miou = found.best.values["miou_val"] + step.more
        again = pick(variants, [Limit("miou_val", miou - 1e-9), limits[1]], "macs").best
        assert again is not None
        assert again.values["macs"] == pytest.approx(found.best.values["macs"] + step.price)
    most = max(c.values["miou_val"] for c in variants if limits[1].holds(c.values["macs"]))
    reached = [found.best.values["miou_val"], *(found.best.values["miou_val"] + step.more for step in found.upgrades)]
    assert reached == sorted(reached)
    assert reached[-1] == pytest.approx(most)
    assert not pick(variants, limits, "miou_val").upgrades, "the mIoU itself decides"


def test_equal_ones_are_told_apart_the_same_way_each_time() -> None:
    twins = [Candidate(name, {"miou_val": 0.6, "macs": 1e9}) for name in "cab"]
    found = pick(twins, [], "macs")
    assert found.best is not None
    assert found.best.variant == "a"


def normal_draws(mean: float, spread: float, seed: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return mean + spread * np.random.default_rng(seed).standard_normal(20_000)


def test_how_sure_is_the_chance_that_theory_gives() -> None:
    """Two equal variants share the pick; a third lies one standard deviation of the difference behind the first."""
    values = {"a": 0.70, "b": 0.70, "c": 0.60}
    variants = [Candidate(name, {"miou_val": miou, "macs": 1e9}) for name, miou in values.items()]
    draws = {"miou_val": {name: normal_draws(miou, 0.01, seed) for seed, (name, miou) in enumerate(values.items())}}
    sure = sureness_of("a", variants, [Limit("miou_val", 0.69)], "miou_val", draws)
    assert sure.meets == pytest.approx(0.8413, abs=0.01)  # one standard deviation
    assert sure.picked["a"] == pytest.approx(sure.picked["b"], abs=0.02)
    assert "c" not in sure.picked
    assert sum(sure.picked.values()) == pytest.approx(1 - (1 - 0.8413) ** 2, abs=0.01), "in some draws none is within"


@pytest.mark.parametrize("seed", range(12))
def test_how_sure_is_what_picking_among_all_in_every_draw_gives(seed: int) -> None:
    """More candidates than are drawn at a time, ties, limits that nothing meets in some draws."""
    variants = candidates(300, seed)
    rng = np.random.default_rng(seed)
    draws = {
        "miou_val": {c.variant: c.values["miou_val"] + 0.03 * rng.standard_normal(50) for c in variants},
        "parameters": {c.variant: np.round(c.values["parameters"] + 0.1 * rng.random(50), 1) for c in variants[:200]},
    }
    limits = [Limit("miou_val", (0.7, 0.84)[seed % 2]), Limit("macs", 9e9)][: 1 + seed % 3]
    objective = ("parameters", "macs", "miou_val")[seed % 3]
    picked: dict[str, float] = {}
    for draw in range(50):
        drawn = [
            Candidate(c.variant, {m: draws.get(m, {}).get(c.variant, {draw: v})[draw] for m, v in c.values.items()})
            for c in variants
        ]
        sign = 1 if objective == "miou_val" else -1
        within = [c for c in drawn if c.meets(limits)]
        if within:
            best = max(within, key=lambda c: sign * c.values[objective])  # the first of equal ones
            picked[best.variant] = picked.get(best.variant, 0) + 1 / 50
    own = variants[7].variant
    sure = sureness_of(own, variants, limits, objective, draws)
    assert sure.picked == pytest.approx(picked)
    assert list(sure.picked.values()) == sorted(sure.picked.values(), reverse=True)


def test_the_chance_of_the_front_is_that_of_the_better_one() -> None:
    """At equal cost one of two is on the front, and which follows from the difference of two normals."""
    variants = [Candidate("a", {"miou_val": 0.71, "macs": 1e9}), Candidate("b", {"miou_val": 0.70, "macs": 1e9})]
    draws = {"miou_val": {"a": normal_draws(0.71, 0.01, 1), "b": normal_draws(0.70, 0.01, 2)}}
    chances = front_chances(variants, ["miou_val", "macs"], draws)
    assert chances[0] == pytest.approx(0.7602, abs=0.01)  # Phi(1 / sqrt 2)
    assert sum(chances) == pytest.approx(1, abs=1e-9)
    cheaper = [variants[0], Candidate("b", {"miou_val": 0.70, "macs": 0.9e9})]
    assert front_chances(cheaper, ["miou_val", "macs"], draws) == [pytest.approx(0.7602, abs=0.01), 1.0]


def test_draws_without_matrices_follow_the_interval_of_the_record() -> None:
    (accuracy,) = [r for r in measured("net", 0.6, 1e9, 5.0) if r.group == "accuracy"]
    drawn = draw_mious([accuracy], None, None)[accuracy.variant]
    interval = percentile_interval(0.6, drawn)
    assert interval.low == pytest.approx(0.58, abs=0.003)
    assert interval.high == pytest.approx(0.62, abs=0.003)


def test_latency_draws_are_medians_of_drawn_processes() -> None:
    medians = [10.0, 11.0, 12.0]
    records = [
        record("latency", metrics={"latency_cpu_ms": ms}, setting={"restart": i}) for i, ms in enumerate(medians)
    ]
    (drawn,) = draw_latencies([record("cost"), *records], "latency_cpu_ms").values()
    assert set(drawn) <= set(medians)
    shares = [float((drawn == ms).mean()) for ms in medians]
    assert shares == [
        pytest.approx(7 / 27, abs=0.05),
        pytest.approx(13 / 27, abs=0.05),
        pytest.approx(7 / 27, abs=0.05),
    ]


def saved(folder: Path, sweeps: dict[str, list[float]], **changes: object) -> None:
    store = Store(folder / "results")
    for name, mious in sweeps.items():
        records = [
            r for i, miou in enumerate(mious) for r in measured(f"net_{i}", miou, (i + 1) * 1e9, 5.0 + i, **changes)
        ]
        for r in records:
            store.append(name, r)
        store.write_plan(name, [r.key for r in records])


def test_the_command_answers_in_words_and_in_json(run_bench: RunBench, tmp_path: Path) -> None:
    saved(tmp_path, {"mine": [0.60, 0.66, 0.72]})
    done = run_bench("pick", "mine", "--miou", ">=0.65", "--latency", "<=6.5ms", "--minimise", "gmacs")
    assert done.returncode == 0, done.stderr
    assert "pick       net_1+dnl" in done.stdout
    assert "5.0 points less buys −1.00 G MACs (net_0+dnl)" in done.stdout
    assert "it meets all limits in" in done.stdout
    told = json.loads(
        run_bench("pick", "mine", "--latency", "<=6.5ms", "--json").stdout
    )  # the most accurate, since no mIoU is asked for
    assert told["pick"]["variant"] == "net_1+dnl"
    (step,) = told["relaxations"]
    assert (step["variant"], step["by"], step["gain"]) == ("net_2+dnl", pytest.approx(0.5), pytest.approx(0.06))


def test_what_no_interval_holds_is_said(run_bench: RunBench, tmp_path: Path) -> None:
    saved(tmp_path, {"mine": [0.60, 0.66]})
    store = Store(tmp_path / "results")
    lost = next(r for r in store.read() if r.group == "latency" and r.variant.startswith("net_0"))
    store.write_plan("mine", [r.key for r in store.read() if r.key != lost.key])
    done = run_bench("pick", "mine", "--latency", "<=9ms")
    assert "CPU latency 6.0 ms\n" in done.stdout, "of one process no interval is known"
    assert "a latency of one process is taken as known" in done.stdout
    assert "what another day on the same machine does to all latencies is in no draw" in done.stdout
    assert "left out, for one of these numbers is missing: net_0+dnl" in done.stdout


def test_processes_are_counted_of_the_candidates(run_bench: RunBench, tmp_path: Path) -> None:
    """One that is left out may have been timed once."""
    saved(tmp_path, {"mine": [0.60, 0.66]})
    store = Store(tmp_path / "results")
    again = next(r for r in measured("net_1", 0.66, 2e9, 6.4, setting={"restart": 1}) if r.group == "latency")
    store.append("mine", again)
    untrained = next(r for r in store.read() if r.group == "accuracy" and r.variant.startswith("net_0"))
    store.write_plan("mine", [r.key for r in store.read() if r.key != untrained.key])
    done = run_bench("pick", "mine", "--latency", "<=9ms")
    assert "; of latencies over processes" in done.stdout
    assert "left out, for one of these numbers is missing: net_0+dnl" in done.stdout


def test_an_miou_is_no_share_below_nothing() -> None:
    (drawn,) = draw_mious([r for r in measured("net", 0.01, 1e9, 5.0) if r.group == "accuracy"], None, None).values()
    assert 0 <= drawn.min() < drawn.max() <= 1


@pytest.mark.parametrize(("images", "is_few"), [(16, True), (60, False)])
def test_few_validation_images_are_said(run_bench: RunBench, tmp_path: Path, images: int, is_few: bool) -> None:
    saved(tmp_path, {"mine": [0.60, 0.66]})
    store = Store(tmp_path / "results")
    matrices = np.tile(np.eye(2, dtype=np.int64), (images, 1, 1))
    for trained in (r for r in store.read() if r.group == "accuracy"):
        Confusions(store.root, "mine").save(trained.key, {"val": matrices, "test": matrices})
    assert ("the validation split has 16 images" in run_bench("pick", "mine").stdout) == is_few
    assert json.loads(run_bench("pick", "mine", "--json").stdout)["validation_images"] == images


def test_no_pick_names_the_conflict_and_the_nearest_and_exits_1(run_bench: RunBench, tmp_path: Path) -> None:
    saved(tmp_path, {"mine": [0.60, 0.66, 0.72]})
    done = run_bench("pick", "mine", "--miou", ">=0.7", "--gmacs", "<=2.5")
    assert done.returncode == 1
    assert "no variant has mIoU val ≥ 70 % and MACs ≤ 2.5 G together" in done.stdout
    assert "nearest    net_1+dnl" in done.stdout
    assert "4.0 points below mIoU val ≥ 70 %" in done.stdout


def test_numbers_that_do_not_stand_side_by_side_are_refused(run_bench: RunBench, tmp_path: Path) -> None:
    done = run_bench("pick", "camvid", "camvid_modules", *COMMITTED)
    assert done.returncode == 2
    assert "numbers of 2 data sets or schedules do not stand side by side; name sweeps of one kind:" in done.stderr
    saved(tmp_path, {"here": [0.6]})
    saved(tmp_path, {"there": [0.7]}, machine_id="another-machine")
    done = run_bench("pick", "--latency", "<=9ms")
    assert done.returncode == 2
    assert "numbers of 2 machines or settings of the clock" in done.stderr
    assert "--machine" in done.stderr
    assert run_bench("pick", "--latency", "<=9ms", "--machine", "another").returncode == 0
    none = run_bench("pick", "--latency", "<=9ms", "--machine", "elsewhere")
    assert none.returncode == 2
    assert "latency_cpu_ms on another-machine" in none.stderr


def test_the_committed_sweep_has_a_pick(run_bench: RunBench) -> None:
    done = run_bench("pick", "camvid", "--miou", ">=0.65", "--minimise", "params", "--json", *COMMITTED)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["candidates"] >= 16
    assert told["pick"]["values"]["miou_val"] >= 0.65
    low, high = told["pick"]["intervals_95"]["miou_val"]
    assert low < told["pick"]["values"]["miou_val"] < high


def test_other_images_of_the_same_description_are_told_apart(run_bench: RunBench, tmp_path: Path) -> None:
    for sweep, fingerprint in (("here", "0123"), ("there", "4567")):
        saved(tmp_path, {sweep: [0.6]}, setting={"data_fingerprint": fingerprint})
    done = run_bench("pick", "here", "there", "--gmacs", "<=9")
    assert done.returncode == 2
    first, second = done.stderr.splitlines()[1:]
    assert first.endswith('data_fingerprint "0123"')
    assert second.endswith('data_fingerprint "4567"')
