"""Paired times and what is concluded from them, on synthetic times whose truth is known."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from statistics import mean, median, stdev

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.guard.latency_verdict import Rule, Times, Verdict, judge, judge_in_looks
from bench.guard.self_test_rates import Decision, Rate, sum_up
from bench.stats.paired_ratio import Noise, head_log, noise_of, paired_log, ratio

RESTARTS, CYCLES = 7, 11
RULE = Rule()
PROCESS, SAMPLE = 0.014, 0.03
"""Spread of a process and of a pass, in log units, as on a shared machine."""
Draw = NDArray[np.float64]


def draw(
    seed: int, jobs: int, slowdown: float = 0.0, process: float = PROCESS, restarts: int = RESTARTS
) -> Iterator[list[Times]]:
    """Jobs of restarts of 10 ms passes: base, base again, and head, which is slower by a share."""
    chance = np.random.default_rng(seed)
    logs = chance.normal(0, process, (jobs, restarts, 3, 1)) + chance.normal(0, SAMPLE, (jobs, restarts, 3, CYCLES))
    logs[:, :, 2] += math.log1p(slowdown)
    yield from (1e7 * np.exp(logs)).astype(int).tolist()


def judged(
    seed: int, jobs: int, slowdown: float = 0.0, process: float = PROCESS, restarts: int = RESTARTS, rule: Rule = RULE
) -> list[Verdict]:
    return [judge(job, rule) for job in draw(seed, jobs, slowdown, process, restarts)]


def share(verdicts: list[Verdict], state: str) -> float:
    return mean(verdict.state == state for verdict in verdicts)


def test_a_paired_log_is_of_the_same_cycle() -> None:
    assert paired_log([20, 60, 2], [10, 30, 1]) == pytest.approx(math.log(2))
    assert head_log([4, 4, 4], [9, 9, 9], [6, 6, 6]) == pytest.approx(0)
    with pytest.raises(ValueError, match="zip"):
        paired_log([1, 2], [1])


def test_a_ratio_by_hand() -> None:
    found = ratio([0.0, 0.1, 0.2])
    half = 4.302653 * math.sqrt(math.pi / 2) * 0.1 / math.sqrt(3)
    assert found.value == pytest.approx(math.exp(0.1))
    assert (found.low, found.high) == pytest.approx((math.exp(0.1 - half), math.exp(0.1 + half)))
    assert not found.differs
    assert found.could_hide == pytest.approx(found.high - 1)


@pytest.mark.parametrize(("slowdown", "jobs"), [(0.0, 2000), (0.05, 400)])
def test_the_interval_of_a_ratio_holds_the_truth_as_often_as_it_says(slowdown: float, jobs: int) -> None:
    found = [ratio([paired_log(head, base) for base, _, head in job]) for job in draw(1, jobs, slowdown)]
    held = mean(one.low <= 1 + slowdown <= one.high for one in found)
    assert 0.94 <= held <= 0.985
    assert median(one.value for one in found) == pytest.approx(1 + slowdown, abs=0.002)


def test_false_alarms_are_below_one_in_a_hundred() -> None:
    verdicts = judged(2, 1000)
    assert share(verdicts, "regressed") < 0.01
    assert share(verdicts, "improved") < 0.01
    assert all(0 < verdict.false_alarms < 0.0025001 for verdict in verdicts)


@pytest.mark.slow
def test_false_alarms_are_as_many_as_the_verdicts_say() -> None:
    """Where nothing is tolerated the limit is the noise alone, which a quarter of a per cent of equal code exceeds."""
    verdicts = judged(15, 2000, rule=Rule(tolerated=0, wanted=1))
    assert all(verdict.false_alarms == pytest.approx(0.0025) for verdict in verdicts)
    assert 0 < share(verdicts, "regressed") < 0.006
    assert 0 < share(verdicts, "improved") < 0.006


def test_an_earlier_look_adds_its_rate_and_moves_nothing_else() -> None:
    (job,) = draw(16, 1)
    once, twice = judge(job, RULE), judge(job, RULE, false_alarms_before=0.002)
    assert twice == replace(once, false_alarms=0.002 + once.false_alarms)


def looked_at(seed: int, jobs: int, slowdown: float = 0.0, process: float = PROCESS) -> list[Verdict]:
    """Jobs of 21 restarts at most, looked at after 7."""
    return [judge_in_looks(iter(job), 7, RULE) for job in draw(seed, jobs, slowdown, process, restarts=21)]


def test_a_clear_first_look_ends_the_job_and_an_unclear_one_does_not() -> None:
    assert all(verdict.restarts == 7 for verdict in looked_at(21, 20, process=0.005))
    noisy = looked_at(22, 60, process=0.03)
    assert all(7 <= verdict.restarts <= 21 for verdict in noisy)
    early = [verdict for verdict in noisy if 7 < verdict.restarts < 21]
    assert early
    assert all(verdict.state == "unchanged" and verdict.is_far_from_limit for verdict in early)


@pytest.mark.slow
def test_looking_twice_keeps_the_false_alarms_that_are_told() -> None:
    verdicts = looked_at(23, 1500, process=0.025)
    assert max(verdict.false_alarms for verdict in verdicts) <= 0.0051
    assert share(verdicts, "regressed") <= 0.006


@pytest.mark.slow
def test_a_slow_down_near_the_limit_does_not_slip_below_it_at_one_of_many_looks() -> None:
    verdicts = looked_at(24, 400, slowdown=0.08, process=0.035)
    assert sum(verdict.restarts > 7 for verdict in verdicts) > 100, "noisy enough for a second look"
    assert share(verdicts, "unchanged") < 0.06  # 0.125 where any look may end the job as unchanged


def test_a_tenth_more_is_found() -> None:
    assert share(judged(3, 300, slowdown=0.10), "regressed") > 0.95
    assert share(judged(4, 200, slowdown=-0.10), "improved") > 0.95


def test_what_a_verdict_says_that_it_would_have_seen_is_seen() -> None:
    seen = median(verdict.seen for verdict in judged(5, 200))
    assert share(judged(6, 400, slowdown=seen), "regressed") > 0.92


def test_much_noise_is_said_and_raises_no_alarm() -> None:
    verdicts = judged(7, 400, process=0.08)
    assert share(verdicts, "regressed") < 0.01
    assert share(verdicts, "unclear") > 0.97
    assert all("could not have been seen" in verdict.reason for verdict in verdicts if verdict.state == "unclear")


def test_more_restarts_clear_an_unclear_verdict() -> None:
    few, many = (judged(8, 60, process=0.04, restarts=restarts) for restarts in (5, 40))
    assert share(few, "unclear") > 0.9
    assert share(many, "unclear") < 0.1
    assert median(one.seen for one in many) < median(one.seen for one in few)


def test_spells_that_hit_whole_cycles_move_nothing() -> None:
    """A third of the cycles three times slower, on all sides of a cycle alike."""
    chance = np.random.default_rng(9)
    for job in draw(10, 50):
        quiet = np.array(job)
        spells = np.where(chance.random((RESTARTS, 1, CYCLES)) < 1 / 3, 3, 1)
        calm, hit = judge(job, RULE), judge((quiet * spells).tolist(), RULE)
        assert hit == replace(
            calm,
            base_ms=hit.base_ms,
            head_ms=hit.head_ms,
            head=hit.head,
            same=hit.same,
            false_alarms=hit.false_alarms,
            seen=hit.seen,
            limit=hit.limit,
            times_ns=hit.times_ns,
        )
        assert hit.head.value == pytest.approx(calm.head.value, rel=1e-12)
        assert hit.false_alarms == pytest.approx(calm.false_alarms, rel=1e-6)


def test_a_few_spells_on_one_side_alone_raise_no_alarm() -> None:
    """One of eleven passes of head three times slower, in every restart."""
    chance = np.random.default_rng(11)
    states: Counter[str] = Counter()
    for job in draw(12, 200):
        times = np.array(job)
        times[np.arange(RESTARTS), 2, chance.integers(0, CYCLES, RESTARTS)] *= 3
        states[judge(times.tolist(), RULE).state] += 1
    assert states["regressed"] <= 0.02 * states.total()


def test_a_job_without_noise() -> None:
    job = [([10_000_000] * 5, [10_000_000] * 5, [10_000_000] * 5)] * 3
    verdict = judge(job, RULE)
    assert (verdict.state, verdict.false_alarms, verdict.base_ms) == ("unchanged", 0.0, 10.0)
    assert verdict.limit == pytest.approx(0.04)
    assert (verdict.restarts, verdict.cycles) == (3, 5)


def test_the_rule_is_the_limit_where_the_noise_is_smaller() -> None:
    limits = {tolerated: judge(next(draw(13, 1, process=0.001)), Rule(tolerated)).limit for tolerated in (0.04, 0.2)}
    assert limits == {tolerated: pytest.approx(tolerated, rel=0.01) for tolerated in limits}


def test_the_chance_of_a_noise_is_that_of_t() -> None:
    """Of the table of t with 13 degrees of freedom: 1.771 leaves 5 % above, 2.650 leaves 1 %, 3.012 half a per cent."""
    noise = Noise(error=0.01, freedom=13)
    for quantile, above in ((0.0, 0.5), (1.770933, 0.05), (2.650309, 0.01), (3.012276, 0.005)):
        assert noise.chance_above(quantile * 0.01) == pytest.approx(above, rel=1e-5)
        assert noise.reach(1 - above) == pytest.approx(quantile * 0.01, rel=1e-5, abs=1e-9)
    assert Noise(0.0, 13).chance_above(0.01) == 0


def test_the_noise_by_hand() -> None:
    """Squares: (1 + 1 + 4) / 2 of the base against itself, (1 + 0 + 1) / 1.5 of head; 5 degrees of freedom."""
    noise = noise_of([0.01, -0.01, 0.02], [0.03, 0.04, 0.05])
    variance = (6 / 2 + 2 / 1.5) * 1e-4 / 5
    assert noise.freedom == 5
    assert noise.error == pytest.approx(math.sqrt(math.pi / 2) * math.sqrt(1.5 * variance / 3))


def test_the_noise_that_is_said_is_the_spread_of_what_is_found() -> None:
    found, said = [], []
    for job in draw(14, 600):
        other = [head_log(*times) for times in job]
        found.append(median(other))
        said.append(noise_of([paired_log(again, base) for base, again, _ in job], other).error)
    assert 0.93 <= mean(said) / stdev(found) <= 1.13


def decision(more_work: bool, state: str, seconds: float = 20.0, chance: float = 0.001) -> Decision:
    return Decision(
        more_work=more_work,
        state=state,
        ratio=1.1 if more_work else 1.0,
        limit=0.04,
        false_alarms=chance,
        seen=0.07,
        seconds=seconds,
        load=0.1,
    )


def test_rates_of_a_self_test() -> None:
    same = [decision(False, "unchanged")] * 96 + [decision(False, "regressed", chance=0.005)]
    same += [decision(False, "unclear", 55.0), decision(False, "improved"), decision(False, "unchanged")]
    slower = [decision(True, "regressed")] * 39 + [decision(True, "unclear")]
    found = sum_up([*same, *slower])
    assert (found.false_alarms, found.detected) == (Rate(1, 100), Rate(39, 40))
    assert (found.unclear, found.false_improvements) == (Rate(1, 100), Rate(1, 100))
    assert found.stated == pytest.approx(0.00104)
    assert (found.typical_seconds, found.seconds, found.slow_down) == (20.0, 55.0, 1.1)
    assert found.holds
    assert not sum_up([*same, decision(False, "regressed"), *slower]).holds
    assert not sum_up([*same, *slower, *[decision(True, "unclear")] * 2]).holds
    assert not sum_up([*same, *slower, decision(True, "regressed", seconds=60.5)]).holds


@pytest.mark.parametrize("more_work", [False, True])
def test_a_self_test_of_one_kind_is_none(more_work: bool) -> None:
    with pytest.raises(ValueError, match="no decision of a kind"):
        sum_up([decision(more_work, "regressed")])


def test_the_interval_of_a_rate_is_exact() -> None:
    """Without a hit its end solves (1 - p)^n = 0.025; one of ten is 0.25 to 44.50 % in every table."""
    low, high = Rate(0, 200).interval
    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 200))
    assert Rate(200, 200).interval == pytest.approx((0.025 ** (1 / 200), 1))
    assert Rate(1, 10).interval == pytest.approx((0.0025286, 0.4450161), abs=1e-6)
    assert str(Rate(0, 200)) == "0 of 200, 0.0 % (95 % interval 0.0 to 1.8 %)"


def test_skewed_times_of_equal_code_are_level() -> None:
    """Now and then a pass finds its caches warm and is a tenth faster: that must not move head off the base."""
    chance = random.Random(16)

    def times() -> list[int]:
        warm = [0.1 if chance.random() < 0.11 else 0.0 for _ in range(11)]
        return [round(1e9 * math.exp(chance.gauss(0, 0.02) - faster)) for faster in warm]

    found = [head_log(times(), times(), times()) for _ in range(4000)]
    assert abs(mean(found)) < 3 * stdev(found) / math.sqrt(len(found))
