"""Fronts with uncertainty, on made-up variants whose truth is known: intervals cover it as often as they say."""

import cProfile
import time
import tracemalloc
from collections.abc import Sequence
from statistics import variance
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.analysis.axis_effects import axis_effects
from bench.analysis.candidates import Candidate
from bench.analysis.pareto_fronts import Front, front_band, make_front, sidak, tied_groups
from bench.analysis.resampling import Draws, draw_mious
from bench.analysis.seed_variance import SeedSpread, seed_spread
from bench.stats.bootstrap import image_draws, miou_draws
from bench.stats.interval import percentile_interval
from bench.stats.pareto import hypervolume
from bench.stats.scores import mean_iou
from bench.storage.records import AccuracyRecord
from tests.factories import record

TRIALS = 300
RESAMPLES = 300
SPREAD = 0.01


def observed(
    truth: Sequence[float], trial: int, costs: Sequence[float] | None = None
) -> tuple[list[Candidate], dict[str, dict[str, Draws]]]:
    """Variants measured with a known normal error, and draws by that error."""
    rng = np.random.default_rng(trial)
    values = np.array(truth) + SPREAD * rng.standard_normal(len(truth))
    costs = costs or range(1, len(truth) + 1)
    pairs = enumerate(zip(values, costs, strict=True))
    variants = [Candidate(f"v{i:02}", {"miou_val": value, "macs": float(cost)}) for i, (value, cost) in pairs]
    draws = {c.variant: c.values["miou_val"] + SPREAD * rng.standard_normal(RESAMPLES) for c in variants}
    return variants, {"miou_val": draws}


@pytest.mark.parametrize(
    "truth",
    [[0.5, 0.6, 0.7, 0.8], [0.6] * 8, [0.6 + 0.003 * i for i in range(8)], [0.7, 0.6, 0.71, 0.65, 0.5, 0.72]],
    ids=["far apart", "all equal", "close", "some dominated"],
)
def test_the_band_holds_the_true_front_as_often_as_it_says(truth: list[float]) -> None:
    best = np.maximum.accumulate(truth)
    held = []
    for trial in range(TRIALS):
        band = front_band(*_with_macs(observed(truth, trial)))
        held.append(((band.low <= best) & (best <= band.high)).mean())
    assert np.mean(held) > 0.95 - 0.02, "two standard errors of so many trials"


def _with_macs(found: tuple[list[Candidate], dict[str, dict[str, Draws]]]) -> tuple[list[Candidate], str, Any]:
    variants, draws = found
    return variants, "macs", draws


@pytest.mark.slow
def test_equal_variants_are_one_group_nearly_always_and_a_worse_one_is_not() -> None:
    equal = [len(tied_groups(*observed([0.6] * 8, trial))) for trial in range(TRIALS)]
    assert np.mean([groups == 1 for groups in equal]) > 0.95 - 0.03
    apart = [tied_groups(*observed([0.7, 0.7, 0.6], trial)) for trial in range(TRIALS)]
    assert np.mean([groups[-1] == ["v02"] for groups in apart]) > 0.95


def test_deviations_for_many_comparisons_are_those_of_the_largest_of_many() -> None:
    assert sidak(1) == pytest.approx(1.95996, abs=1e-4)
    largest = np.random.default_rng(0).standard_normal((200_000, 8)).max(axis=1)
    assert (largest < sidak(8)).mean() == pytest.approx(0.975, abs=0.001)


def matrices(quality: float, difficulty: NDArray[np.float64]) -> NDArray[np.int64]:
    """Two classes of 50 pixels an image; the share that is right follows from quality and difficulty."""
    right = np.round(50 / (1 + np.exp(-quality - difficulty))).astype(np.int64)
    return np.stack([np.stack([right, 50 - right], -1), np.stack([50 - right, right], -1)], -2)


@pytest.mark.slow
def test_intervals_over_images_and_seeds_hold_the_truth_as_often_as_they_say() -> None:
    """Each trial draws images and, for every variant, seeds; the truth is of very many of both."""
    between_seeds, seeds, images = 0.15, 3, 60
    many = np.random.default_rng(99)
    truth = float(
        np.mean(
            [
                mean_iou(matrices(1.0 + between_seeds * many.standard_normal(), many.standard_normal(4000)).sum(axis=0))
                for _ in range(400)
            ]
        )
    )
    held = []
    for trial in range(TRIALS):
        rng = np.random.default_rng(trial)
        difficulty = rng.standard_normal(images)
        runs = {
            v: [matrices(1.0 + between_seeds * rng.standard_normal(), difficulty) for _ in range(seeds)]
            for v in ("a", "b", "c", "d")
        }
        accuracy = [
            record("accuracy", v, {"miou_val": float(mean_iou(run.sum(axis=0)))}, setting={"seed": seed})
            for v, of in runs.items()
            for seed, run in enumerate(of)
        ]
        spread = seed_spread(accuracy)
        assert spread is not None
        assert spread.freedom == 4 * (seeds - 1)
        draws = image_draws(images, RESAMPLES, rng)
        for of in runs.values():
            over_images = miou_draws(of, draws)
            noise = spread.deviation / np.sqrt(seeds) * rng.standard_t(spread.freedom, RESAMPLES)
            interval = percentile_interval(0.0, over_images + noise)
            held.append(interval.low <= truth <= interval.high)
    assert np.mean(held) == pytest.approx(0.95, abs=0.03)


def seeds_of(backbone: str, mious: Sequence[float], **setting: object) -> list[AccuracyRecord]:
    return [
        record("accuracy", backbone, {"miou_val": miou}, setting={"seed": seed, **setting})
        for seed, miou in enumerate(mious)
    ]


def test_the_spread_between_seeds_is_pooled_over_variants() -> None:
    first, second = [0.60, 0.62, 0.64], [0.70, 0.71]
    spread = seed_spread([*seeds_of("a", first), *seeds_of("b", second)])
    assert spread is not None
    assert spread.freedom == 3
    assert spread.deviation**2 == pytest.approx((2 * variance(first) + variance(second)) / 3)


def test_with_one_seed_the_spread_is_that_of_other_trainings_on_the_same_data() -> None:
    single = seeds_of("a", [0.6])
    elsewhere = seeds_of("b", [0.50, 0.54], schedule={"epochs": 9})
    other_data = seeds_of("b", [0.1, 0.9], dataset="camvid")
    assert seed_spread(single) is None
    spread = seed_spread(single, [*elsewhere, *other_data])
    assert spread is not None
    assert spread.elsewhere
    assert spread.deviation**2 == pytest.approx(variance([0.50, 0.54]))


def test_the_spread_between_seeds_widens_the_draws() -> None:
    runs = [
        record("accuracy", "a", {"miou_val": 0.6, "miou_val_low": 0.6, "miou_val_high": 0.6}, setting={"seed": seed})
        for seed in range(4)
    ]
    (drawn,) = draw_mious(runs, None, SeedSpread(0.02, 30), resamples=20_000).values()
    assert drawn.mean() == pytest.approx(0.6, abs=0.001)
    assert drawn.std() == pytest.approx(0.02 / 2 * np.sqrt(30 / 28), rel=0.03), "Student's t with 30 degrees"


def test_an_effect_is_the_mean_over_the_pairs_that_differ_in_one_axis() -> None:
    specs: dict[str, dict[str, Any]] = {
        f"{backbone}-{width}": {"backbone": backbone, "decoder_width": width, "context": None}
        for backbone in ("a", "b")
        for width in (32, 64)
    }
    mious = {"a-32": 0.50, "a-64": 0.53, "b-32": 0.60, "b-64": 0.61}
    macs = {"a-32": 1.0, "a-64": 2.0, "b-32": 1.0, "b-64": 8.0}
    variants = [Candidate(name, {"miou_val": mious[name], "macs": macs[name]}) for name in specs]
    draws = {"miou_val": {name: np.full(10, miou) for name, miou in mious.items()}}
    effects = {effect.axis: effect for effect in axis_effects(variants, specs, ["macs"], draws)}
    width = effects["decoder_width"]
    assert (width.before, width.after, width.pairs) == (32, 64, 2)
    assert width.miou.value == pytest.approx((0.03 + 0.01) / 2)
    assert width.costs["macs"] == pytest.approx((2 * 8) ** 0.5)
    assert effects["backbone"].miou.value == pytest.approx((0.10 + 0.08) / 2)


def test_the_knee_is_where_the_front_bends() -> None:
    truth = [0.1, 0.6, 0.65, 0.7]
    variants = [Candidate(str(i), {"miou_val": miou, "macs": float(i + 1)}) for i, miou in enumerate(truth)]
    draws = {"miou_val": {c.variant: np.full(5, c.values["miou_val"]) for c in variants}}
    front = make_front(variants, "macs", draws)
    assert front.knee == "1"
    assert front.hypervolume == pytest.approx(hypervolume(list(zip([1, 2, 3, 4], truth, strict=True)), front.reference))
    assert make_front(variants[:2], "macs", draws).knee is None
    bent_in = zip(variants, (0.1, 0.2, 0.4, 0.7), strict=True)
    hollow = [Candidate(c.variant, {"miou_val": miou, "macs": c.values["macs"]}) for c, miou in bent_in]
    assert make_front(hollow, "macs", draws).knee is None, "all lie below the line between the ends"


def test_costs_that_read_the_same_put_no_loser_on_a_front() -> None:
    """The worse one costs 0.001 M fewer parameters, which the table does not show, and it is on no front there."""
    better, worse = (
        Candidate(name, {"miou_val": miou, "parameters": parameters})
        for name, miou, parameters in (("better", 0.8, 1_001_000.0), ("worse", 0.6, 1_000_000.0))
    )
    draws = {"miou_val": {c.variant: c.values["miou_val"] + np.linspace(-0.01, 0.01, 50) for c in (better, worse)}}
    assert make_front([better, worse], "parameters", draws).chances == {"better": 1.0, "worse": 0.0}
    apart = Candidate("worse", {"miou_val": 0.6, "parameters": 900_000.0})
    assert make_front([better, apart], "parameters", draws).chances == {"better": 1.0, "worse": 1.0}


def random_front(count: int) -> Front:
    rng = np.random.default_rng(0)
    variants = [Candidate(str(i), {"miou_val": m, "macs": c}) for i, (m, c) in enumerate(rng.random((count, 2)))]
    draws = {"miou_val": {c.variant: np.full(2, c.values["miou_val"]) for c in variants[:1]}}
    return make_front(variants, "macs", draws)


@pytest.mark.timing
def test_a_front_of_ten_thousand_variants_takes_less_than_a_second() -> None:
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        random_front(10_000)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1


@pytest.mark.slow
def test_a_front_of_ten_thousand_variants_compares_no_pairs() -> None:
    """Of these there are a hundred million: neither are there so many calls, nor is there a matrix of them."""
    calls = []
    for count in (5_000, 10_000):
        profile = cProfile.Profile()
        front = profile.runcall(random_front, count)
        calls.append(sum(entry.callcount for entry in profile.getstats()))
    assert calls[1] < 2.5 * calls[0], calls
    assert sum(front.chances.values()) >= 1
    tracemalloc.start()
    random_front(10_000)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 50e6
