"""What an adaptation's records say: by plain resampling, by hand, and by how often intervals hold the truth."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from bench.adapt.analysis.adaptation import Adaptation
from bench.adapt.analysis.curves import Line, Spreads
from bench.errors import NothingToShowError
from bench.stats.interval import Interval
from tests.adaptations import PIXELS, MadeUp, ladder, matrices_of, miou_of

FULL = Line("net_a+fpn8", "full")
FROZEN = Line("net_a+fpn8", "frozen")


def test_of_one_seed_the_interval_is_that_of_drawn_images() -> None:
    """Resampled image by image, by another generator."""
    rng = np.random.default_rng(1)
    shares = rng.uniform(0.4, 0.9, 25)
    made = MadeUp()
    made.add(8, 0, shares)
    (point,) = made.adaptation().curves[FULL]
    right = matrices_of(shares)[:, 0, 0] / PIXELS
    drawn = [miou_of(float(np.mean(rng.choice(right, len(right))))) for _ in range(4000)]
    assert point.miou.value == pytest.approx(miou_of(float(right.mean())))
    assert (point.miou.low, point.miou.high) == pytest.approx(np.percentile(drawn, (2.5, 97.5)), abs=0.01)
    assert point.test is not None
    assert point.test.value == point.miou.value


def test_the_spread_between_seeds_is_pooled_by_budget_and_over_neighbours_where_it_is_little_known() -> None:
    spreads = Spreads.of([(8, [0.1, 0.3]), (8, [0.2, 0.4]), (16, [0.5, 0.6, 0.7]), (64, [0.5, 0.5, 0.5]), (32, [0.9])])
    of_eight, of_sixty_four = spreads.at(8), spreads.at(64)
    assert of_eight is not None
    assert (of_eight.deviation, of_eight.freedom) == pytest.approx((math.sqrt((0.02 + 0.02 + 0.02) / 4), 4))
    assert of_sixty_four is not None
    assert (of_sixty_four.deviation, of_sixty_four.freedom) == pytest.approx((math.sqrt(0.02 / 4), 4))
    assert Spreads.of([(8, [0.5])]).at(8) is None


def test_an_interval_ends_where_mious_end() -> None:
    adaptation = ladder({8: 0.03, 16: 0.97}, wobble=0.03).adaptation()
    low, high = adaptation.curves[FULL]
    assert low.miou.low >= 0
    assert high.miou.high <= 1
    assert adaptation.gains(FULL)[0].gain.high > high.miou.value - low.miou.value, "a difference keeps its noise"


def test_gains_go_from_each_budget_to_the_next_and_from_no_label() -> None:
    adaptation = ladder({0: 0.3, 8: 0.6, 16: 0.7, 32: 0.7}).adaptation()
    gains = adaptation.gains(FULL)
    assert [(gain.start, gain.end) for gain in gains] == [(0, 8), (8, 16), (16, 32)]
    assert [gain.is_known for gain in gains] == [True, True, False]
    assert gains[0].gain.value == pytest.approx(miou_of(0.6) - miou_of(0.3), abs=1e-3)
    assert gains[2].gain.low < 0 < gains[2].gain.high


def test_a_plateau_starts_where_no_larger_budget_is_known_to_be_better() -> None:
    plateau = ladder({8: 0.6, 16: 0.7, 32: 0.7, 64: 0.701}).adaptation().plateau(FULL)
    assert plateau is not None
    assert (plateau.start, plateau.last.start, plateau.last.end) == (16, 16, 64)
    assert plateau.hidden >= plateau.last.gain.high > 0
    assert ladder({8: 0.5, 16: 0.6, 32: 0.7}).adaptation().plateau(FULL) is None, "the last labels still help"
    harmful = ladder({0: 0.7, 8: 0.5, 16: 0.6}).adaptation().plateau(FULL)
    assert harmful is not None
    assert harmful.start == 0, "no label at all is as good"


def test_a_gain_further_up_ends_no_plateau_early() -> None:
    plateau = ladder({8: 0.6, 16: 0.6, 32: 0.6, 64: 0.75}).adaptation().plateau(FULL)
    assert plateau is None


def test_labels_needed_lie_on_the_line_between_budgets_over_their_logarithm() -> None:
    shares = {8: 0.5, 16: 0.6, 32: 0.65, 64: 0.8}
    adaptation = ladder(shares, wobble=0).adaptation()
    mious = [point.miou.value for point in adaptation.curves[FULL]]
    for wanted in (0.36, 0.45, 0.6):
        needed = adaptation.labels_for(FULL, wanted)
        assert needed.value == pytest.approx(2 ** np.interp(wanted, mious, np.log2(list(shares))))
        assert needed.low <= needed.value <= needed.high
    assert adaptation.labels_for(FULL, 0.2) == Interval(8, 8, 8), "the smallest budget does already"
    assert adaptation.labels_for(FULL, 0.9) == Interval(math.inf, math.inf, math.inf)
    with_start = ladder({0: 0.45, **shares}, wobble=0).adaptation()
    assert with_start.labels_for(FULL, 0.2) == Interval(0, 0, 0), "the network as it is does"
    assert with_start.labels_for(FULL, 0.32).value == 8, "between no label and the smallest budget nothing is known"


def test_a_step_that_changes_nothing_has_no_effect_whatever_seeds_do() -> None:
    made = ladder({8: 0.5, 16: 0.6}, wobble=0.1)
    adaptation = ladder({8: 0.5, 16: 0.6}, wobble=0.1, made=made, step="clahe").adaptation()
    effect = adaptation.effect(FULL, replace(FULL, step="clahe"), 8)
    assert effect is not None
    assert (effect.value, effect.low, effect.high) == pytest.approx((0, 0, 0), abs=1e-12)
    assert adaptation.steps == ["clahe"]
    assert list(adaptation.plain) == [FULL]


def test_arms_are_compared_over_the_seeds_that_both_have() -> None:
    made = ladder({8: 0.5}, seeds=3, wobble=0.1)
    made = ladder({8: 0.55}, seeds=2, wobble=0.1, made=made, arm="frozen")
    adaptation = made.adaptation()
    effect = adaptation.effect(FULL, FROZEN, 8)
    shares = [(0.5 - 0.1, 0.55 - 0.05), (0.5, 0.55 + 0.05)]
    assert effect is not None
    assert effect.value == pytest.approx(np.mean([miou_of(b) - miou_of(a) for a, b in shares]), abs=1e-3)
    assert adaptation.effect(FULL, FROZEN, 16) is None
    assert adaptation.effect(FULL, Line("net_a+fpn8", "semi"), 8) is None


def test_times_are_ratios_of_trainings_with_the_same_labels_on_one_machine() -> None:
    made = ladder({8: 0.5, 16: 0.5}, seconds=20.0)
    made = ladder({8: 0.5, 16: 0.5}, made=made, arm="frozen", seconds=5.0)
    made.add(32, 0, [0.5] * 12, arm="frozen", seconds=500.0)
    made = ladder({8: 0.5, 16: 0.5}, made=made, arm="semi", seconds=5.0, machine_id="another")
    adaptation = made.adaptation()
    times = adaptation.times(FULL.variant, "frozen")
    assert times is not None
    assert (times.ratio.value, times.ratio.low, times.ratio.high, times.seconds) == (0.25, 0.25, 0.25, 0.05)
    assert adaptation.times(FULL.variant, "semi") is None


def test_records_that_failed_or_are_to_come_are_counted() -> None:
    made = ladder({8: 0.5})
    made.add(16, 0, [0.5] * 12, status="failed", reason="loss is not finite", metrics={})
    adaptation = made.adaptation(planned=["0", "1"])
    assert ([record.reason for record in adaptation.failed], adaptation.missing) == (["loss is not finite"], 2)
    assert adaptation.budgets == [8]
    assert adaptation.as_is(FULL.variant) is None


def test_without_a_training_or_its_matrices_there_is_nothing_to_show() -> None:
    made = MadeUp()
    made.add(8, 0, [0.5], status="failed", reason="out of memory", metrics={})
    with pytest.raises(NothingToShowError, match="no training of the adaptation 'made_up' has ended"):
        made.adaptation()
    made = ladder({8: 0.5})
    made.matrices.clear()
    with pytest.raises(NothingToShowError, match=r"confusion matrices of the training \w+ are missing"):
        made.adaptation()


MEANS = {8: 0.55, 16: 0.62, 64: 0.66}
"""By labels, the share that is right, mean over all images and seeds."""
SEEDS_APART = {8: 0.04, 16: 0.02, 64: 0.01}
"""Standard deviation of what the choice of images does, to both arms alike."""
FROZEN_ADDS, STEP_ADDS = -0.03, 0.02


def world(rng: np.random.Generator) -> Adaptation:
    """A validation split and three seeds out of all that there could be."""
    made, images = MadeUp(), 40
    hard = rng.normal(0, 0.08, images)
    for labels, mean in MEANS.items():
        for seed in range(3):
            chosen = rng.normal(0, SEEDS_APART[labels])
            for arm, adds in (("full", 0.0), ("frozen", FROZEN_ADDS)):
                shares = mean + adds + chosen + rng.normal(0, 0.01) + hard + rng.normal(0, 0.04, images)
                made.add(labels, seed, shares, arm)
                made.add(
                    labels, seed, shares + STEP_ADDS + rng.normal(0, 0.005) + rng.normal(0, 0.03, images), arm, "clahe"
                )
    return made.adaptation()


@pytest.mark.slow
def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """Over made-up worlds with hard images, seeds that differ most with few labels, and arms that share these."""
    rng, held = np.random.default_rng(7), defaultdict[str, list[bool]](list)
    for _ in range(80):
        adaptation = world(rng)
        points = adaptation.curves[FULL]
        for point in points:
            held["point"].append(_holds(point.miou, miou_of(MEANS[point.labels])))
            arms = adaptation.effect(FULL, FROZEN, point.labels)
            steps = adaptation.effect(FULL, replace(FULL, step="clahe"), point.labels)
            assert arms
            assert steps
            share = MEANS[point.labels]
            held["arm"].append(_holds(arms, miou_of(share + FROZEN_ADDS) - miou_of(share)))
            held["step"].append(_holds(steps, miou_of(share + STEP_ADDS) - miou_of(share)))
        for gain in adaptation.gains(FULL):
            held["gain"].append(_holds(gain.gain, miou_of(MEANS[gain.end]) - miou_of(MEANS[gain.start])))
    for kind, hits in held.items():
        assert np.mean(hits) > 0.9, f"{kind}: {np.mean(hits):.3f} of {len(hits)}"
    assert np.mean(held["arm"]) < 1.0
    assert np.mean(held["step"]) < 1.0


def _holds(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high
