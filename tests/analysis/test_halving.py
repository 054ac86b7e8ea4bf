"""Successive halving over cost and mIoU: what goes on, what it costs, and what it keeps of a front."""

import itertools
import random

import pytest

from bench.analysis.halving_replay import (
    Curve,
    curves_of,
    early_agreement,
    rank_agreement,
    replay,
    replay_bound,
    shuffled,
    volume_share,
)
from bench.analysis.selection import select
from bench.analysis.successive_halving import Rung, decide, plan_rungs, spent_share
from bench.errors import UserError
from bench.stats.pareto import hypervolume, nadir_reference, pareto_ranks
from bench.storage.records import Record
from bench.storage.store import Store
from tests.conftest import PROJECT, RunBench
from tests.factories import record

Points = list[tuple[float, float]]


def random_points(count: int, seed: int) -> Points:
    draw = random.Random(seed)
    return [(draw.randint(0, 9), draw.randint(0, 9)) for _ in range(count)]


def dominates(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one != other and one[0] <= other[0] and one[1] >= other[1]


@pytest.mark.parametrize("seed", range(20))
def test_hypervolume_is_the_number_of_unit_squares_that_are_dominated(seed: int) -> None:
    points = random_points(6, seed)
    squares = itertools.product(range(10), range(-1, 10))  # lower left corner: cost and score
    inside = sum(any(cost <= x and score >= y + 1 for cost, score in points) for x, y in squares)
    assert hypervolume(points, (10, -1)) == inside


@pytest.mark.parametrize("seed", range(20))
def test_ranks_peel_front_after_front(seed: int) -> None:
    points = random_points(12, seed)
    ranks = pareto_ranks(points)
    for point, rank in zip(points, ranks, strict=True):
        above = [r for other, r in zip(points, ranks, strict=True) if dominates(other, point)]
        assert rank == (max(above) + 1 if above else 0)


@pytest.mark.parametrize(("variants", "spend"), [(16, 0.33), (32, 0.33), (100, 0.25), (8, 0.5)])
def test_the_plan_stays_within_what_may_be_spent_and_uses_it(variants: int, spend: float) -> None:
    rungs = plan_rungs(variants, [2, 4, 8], 16, spend)
    running, epochs = [variants, *(rung.keep for rung in rungs)], [2, 2, 4, 8]
    share = sum(n * e for n, e in zip(running, epochs, strict=True)) / (16 * variants)
    assert share == pytest.approx(spent_share(variants, rungs, 16))
    assert spend * 0.85 < share <= spend
    assert running == sorted(running, reverse=True)


def test_the_whole_share_stops_nobody() -> None:
    assert plan_rungs(10, [2, 4], 8, 1.0) == [Rung(2, 10), Rung(4, 10)]


def test_too_little_to_spend_is_refused_with_the_least_that_works() -> None:
    with pytest.raises(UserError, match=r"--spend 0\.1 is too little.*Pass --spend 0\.\d\d or more"):
        plan_rungs(16, [2, 4, 8], 16, 0.1)


def test_a_dominated_variant_stops_before_any_on_the_front() -> None:
    standings = {"cheap": (1.0, 0.5), "waste": (2.0, 0.4), "middle": (2.0, 0.6), "best": (4.0, 0.7)}
    decision = decide(standings, 3)
    assert set(decision.kept) == {"cheap", "middle", "best"}
    assert decision.stopped == {"waste": "middle costs no more and has 60.0 %"}


def test_of_a_front_that_is_too_long_those_go_on_that_dominate_most() -> None:
    points = {f"v{i}": (float(i), i**0.5) for i in range(1, 9)}
    kept = decide(points, 3).kept
    reference = nadir_reference(list(points.values()))
    best = max(itertools.combinations(points, 3), key=lambda some: hypervolume([points[n] for n in some], reference))
    of_best, of_kept = (hypervolume([points[name] for name in some], reference) for some in (best, kept))
    assert of_kept >= (1 - 1 / 2.71828) * of_best  # greedy choice of a submodular sum


def test_a_place_that_the_front_leaves_goes_to_the_next_rank() -> None:
    decision = decide({"front": (1.0, 0.9), "second": (2.0, 0.8), "third": (3.0, 0.7)}, 2)
    assert decision.kept == ["front", "second"]


def trained(backbone: str, macs: float, early: float, final: float, seed: int = 0) -> list[Record]:
    setting = {"schedule": {"epochs": 4}, "seed": seed}
    details = {"validations": [[1, early], [2, early]]}
    scores = {"miou_val": final}
    return [
        record("cost", backbone, {"macs": macs}),
        record("accuracy", backbone, scores, setting=setting, details=details, seconds=8.0),
    ]


def test_a_replay_counts_the_epochs_that_each_variant_took() -> None:
    curves = curves_of([*trained("a", 1, 0.3, 0.5), *trained("b", 2, 0.2, 0.9), *trained("c", 3, 0.25, 0.6)])
    result = replay(curves, [Rung(1, 2), Rung(2, 1)])
    assert [curve.variant for curve in result.kept] == ["a+dnl"]
    assert result.share == pytest.approx((3 * 1 + 2 * 1 + 1 * 2) / (3 * 4))


def test_a_curve_is_the_mean_of_its_seeds() -> None:
    (curve,) = curves_of([*trained("a", 1, 0.3, 0.5, seed=0), *trained("a", 1, 0.5, 0.7, seed=1)])
    assert curve.miou == pytest.approx({1: 0.4, 2: 0.4, 4: 0.6})
    assert curve.seconds == 16


def test_early_scores_that_order_as_the_final_ones_lose_nothing() -> None:
    curves = [
        Curve(variant=f"v{i}", cost=i, miou={1: i**0.5 / 10, 4: i**0.5}, epochs=4, seconds=1.0) for i in range(1, 9)
    ]
    assert rank_agreement(curves, 1) == pytest.approx(1)
    points = [curve.standing(4) for curve in curves]
    assert volume_share(replay(curves, [Rung(1, 8)]).kept, curves, nadir_reference(points)) == 1
    assert 0 < volume_share(replay(curves, [Rung(1, 2)]).kept, curves, nadir_reference(points)) < 1


def test_where_all_reach_the_same_nothing_can_be_lost() -> None:
    curves = [Curve(variant=f"v{i}", cost=i, miou={1: 0.1, 4: 0.1}, epochs=4, seconds=1.0) for i in range(1, 4)]
    reference = nadir_reference([curve.standing(4) for curve in curves])
    assert volume_share(curves[:1], curves, reference) == 1


def test_a_bound_stops_only_what_a_cheaper_variant_leads_by_more_than_was_ever_made_up() -> None:
    late = Curve(
        variant="late", cost=2e9, miou={1: 0.20, 4: 0.50}, epochs=4, seconds=100.0
    )  # makes up 0.2 on the others
    cheap = Curve(variant="cheap", cost=1e9, miou={1: 0.30, 4: 0.40}, epochs=4, seconds=100.0)
    dear = Curve(variant="dear", cost=3e9, miou={1: 0.05, 4: 0.15}, epochs=4, seconds=100.0)
    found = replay_bound([late, cheap, dear])
    assert found.kept == [late, cheap]
    assert found.share == pytest.approx((3 * 25 + 2 * 75) / 300)


def test_a_bound_never_loses_of_the_front_but_costs_more_than_the_rungs_on_committed_records() -> None:
    store = Store(PROJECT / "results")
    for sweep in ("camvid_small", "camvid"):
        curves = curves_of(select(store.read_known(sweep), store.read_plan(sweep).keys).shown)
        found = replay_bound(curves)
        reference = nadir_reference([curve.standing(curve.epochs) for curve in curves])
        assert volume_share(found.kept, curves, reference) == pytest.approx(1)
        assert found.share > 0.8


def test_the_agreement_of_early_and_final_order_is_that_of_the_pairs() -> None:
    early, final = [0.1, 0.2, 0.3, 0.4, 0.5], [0.5, 0.7, 0.6, 0.9, 0.8]
    records = [r for i in range(5) for r in trained(f"net_{i}", i + 1, early[i], final[i])]
    agree = [(early[i] < early[j]) == (final[i] < final[j]) for i, j in itertools.combinations(range(5), 2)]
    expected = (agree.count(True) - agree.count(False)) / len(agree)
    assert early_agreement(records) == pytest.approx({1: expected, 2: expected})
    assert early_agreement(records[:6]) == {}, "three variants have no order to speak of"


def test_trainings_without_early_scores_are_refused() -> None:
    with pytest.raises(UserError, match="not looked at before their end"):
        curves_of([record("cost", metrics={"macs": 1}), record("accuracy", metrics={"miou_val": 0.5})])


def test_the_order_of_the_variants_changes_nothing_on_committed_records() -> None:
    store = Store(PROJECT / "results")
    curves = curves_of(select(store.read("camvid_small"), store.read_plan("camvid_small").keys).shown)
    assert len(curves) >= 16
    rungs = plan_rungs(len(curves), curves[0].looks, curves[0].epochs, 0.33)
    kept = {frozenset(c.variant for c in replay(shuffled(curves, seed), rungs).kept) for seed in range(20)}
    assert len(kept) == 1


def test_the_command_keeps_its_promise_on_committed_records(run_bench: RunBench) -> None:
    done = run_bench("speed", "halving", "camvid_small", "--results", str(PROJECT / "results"), "--check")
    assert done.returncode == 0, done.stdout
    assert "20: all variants, shuffled" in done.stdout
    unknown = run_bench("speed", "halving", "nowhere", "--results", str(PROJECT / "results"))
    assert unknown.returncode == 2
    assert "holds no records of 'nowhere'" in unknown.stderr
