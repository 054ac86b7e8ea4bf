"""The latency guard's formats: all say the same, mark their doubts, and hold whatever a name or reason holds."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from bench.cli.guard.latency import exit_code
from bench.guard.latency_report import STATES, JudgedVariant, LatencyGuardReport, State, worst_first
from bench.guard.latency_verdict import Rule, Verdict, judge
from bench.guard.render.cost.formats import FORMATS
from bench.guard.render.latency.formats import LATENCY_FORMATS
from bench.guard.render.latency.text import headline, next_steps, title
from bench.render.ratio_text import ratio_words
from bench.settings.latency import LatencySetting
from bench.stats.paired_ratio import Ratio

SETTING = LatencySetting(size=(512, 256), classes=19)


def times_of(restarts: int, cycles: int = 11) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """Nanoseconds of base, base again and head."""
    return ((((40_120_000,) * cycles),) * 2 + ((43_360_000,) * cycles,),) * restarts


SLOWER = Verdict(
    state="regressed",
    head=Ratio(1.079, 1.051, 1.104),
    same=Ratio(1.003, 0.988, 1.018),
    limit=0.042,
    false_alarms=0.0049,
    seen=0.071,
    base_ms=40.12,
    head_ms=43.36,
    times_ns=times_of(7),
)
SAME = replace(SLOWER, state="unchanged", head=Ratio(1.002, 0.991, 1.021), false_alarms=2e-7, limit=0.04)
HIDDEN = "a slow-down below 23.4 % could not have been seen, and one of 10 % must be"
UNCLEAR = replace(
    SAME, state="unclear", seen=0.234, limit=0.131, false_alarms=0.005, times_ns=times_of(21), reason=HIDDEN
)
FASTER = replace(SLOWER, state="improved", head=Ratio(0.9, 0.88, 0.93))
BROKEN = JudgedVariant(name="broken_net", state="broken", reason="head cannot run it: ValueError: no such axis")
REFUSED = JudgedVariant(
    name="refused_net", state="refused", reason="neither revision builds it: backbone 'refused_net' is unknown"
)
NEW = JudgedVariant(name="new_net", state="new", reason="base cannot run it: no such block")
NASTY = 'resnet18@a=b|c+<x>&"q"::%,`t`_*'
MACHINE = {"cpu": "Test CPU", "cores": 2, "memory_gib": 8, "gpu": None, "system": "Linux x86_64"}


def of(verdict: Verdict, name: str = "") -> JudgedVariant:
    return JudgedVariant(
        name=name or f"{verdict.state}_net", state=verdict.state, verdict=verdict, reason=verdict.reason
    )


def report_of(*variants: JudgedVariant, doubts: Sequence[str] = ()) -> LatencyGuardReport:
    return LatencyGuardReport(
        base="main (0123456789ab)",
        head="HEAD (ba9876543210)",
        setting=SETTING,
        rule=Rule(),
        variants=worst_first(variants),
        doubts=tuple(doubts),
        machine=MACHINE,
        versions={"torch": "2.9"},
        seconds=61.4,
    )


ONE_OF_EACH = replace(
    report_of(of(SAME), NEW, of(FASTER), of(UNCLEAR), REFUSED, of(SLOWER), BROKEN, doubts=["the machine was busy"]),
    notes=("changes are not judged",),
)


def suite_of(report: LatencyGuardReport) -> ElementTree.Element:
    suite = ElementTree.fromstring(LATENCY_FORMATS["junit"](report)).find("testsuite")
    assert suite is not None
    return suite


def as_json(report: LatencyGuardReport) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(LATENCY_FORMATS["json"](report))
    return data


def plain(form: str, report: LatencyGuardReport) -> str:
    """What a reader sees, without the format's escapes."""
    text = LATENCY_FORMATS[form](report)
    if form == "json":
        return json.dumps(json.loads(text), ensure_ascii=False).replace('\\"', '"')
    if form == "junit":
        root = ElementTree.fromstring(text)
        return "\n".join(part for element in root.iter() for part in (*element.attrib.values(), element.text or ""))
    if form == "github":
        for escaped, character in (("%0A", "\n"), ("%0D", "\r"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            text = text.replace(escaped, character)
    return re.sub(r"\\([\\|_*<])", r"\1", text) if form == "markdown" else text


def test_the_formats_are_those_of_the_cost_guard() -> None:
    assert list(LATENCY_FORMATS) == list(FORMATS)


@pytest.mark.parametrize("form", LATENCY_FORMATS)
def test_every_format_says_everything(form: str) -> None:
    text = plain(form, ONE_OF_EACH)
    for variant in ONE_OF_EACH.variants:
        assert variant.name in text
        assert variant.reason in text
    for words in (
        "head is 7.9 % slower than base (95 % interval 5.1 to 10.4 %)",
        "head is 10.0 % faster than base (95 % interval 7.0 to 12.0 %)",
        "no difference between base and head larger than 2.1 % could hide here",
        ONE_OF_EACH.base,
        ONE_OF_EACH.head,
        str(SETTING),
        "Test CPU",
        "the machine was busy",
        "changes are not judged",
    ):
        assert words in text
    assert "compare the ratio, not the times" in text.lower()
    assert title(ONE_OF_EACH).removeprefix("latency guard") in text


@pytest.mark.parametrize("form", LATENCY_FORMATS)
@pytest.mark.parametrize(
    ("verdict", "figures"),
    [
        (SLOWER, ["+4.2 %", "0.49 %", "7.1 %", "40.1", "43.4", "7", "11"]),
        (UNCLEAR, ["+13.1 %", "0.50 %", "23.4 %", "40.1", "43.4", "21", "11"]),
        (SAME, ["+4.0 %", "< 0.01 %", "7.1 %", "−1.2", "+1.8 %"]),
    ],
)
def test_every_verdict_says_how_far_it_can_be_trusted(form: str, verdict: Verdict, figures: list[str]) -> None:
    text = plain(form, report_of(of(verdict)))
    for figure in figures:
        assert re.search(rf"(?<![\d.]){re.escape(figure)}(?!\d)", text), figure
    assert "95 of 100" in text


@pytest.mark.parametrize("form", LATENCY_FORMATS)
@pytest.mark.parametrize("rate", [0.0, 1e-300, 9e-5])
def test_a_small_rate_is_never_nothing(form: str, rate: float) -> None:
    text = plain(form, report_of(of(replace(SAME, false_alarms=rate))))
    assert "< 0.01 %" in text
    assert "0.00 %" not in text
    if form == "json":
        assert as_json(report_of(of(replace(SAME, false_alarms=rate))))["variants"][0]["false_alarm_rate"] > 0


@pytest.mark.parametrize(
    ("variants", "words", "code"),
    [
        ([of(SAME)], "latency guard passed", 0),
        ([of(FASTER), NEW], "latency guard passed", 0),
        ([of(SAME), of(UNCLEAR)], "latency guard cannot tell", 3),
        ([of(UNCLEAR), of(SLOWER)], "latency guard failed", 1),
        ([REFUSED], "latency guard was asked for a variant that neither revision builds", 2),
        ([REFUSED, of(SLOWER)], "latency guard failed", 1),
        ([REFUSED, of(UNCLEAR), of(SAME)], "latency guard was asked for a variant that neither revision builds", 2),
        ([BROKEN], "latency guard failed", 1),
        ([NEW], "latency guard cannot tell", 3),
        ([], "latency guard cannot tell", 3),
    ],
)
def test_titles_and_exit_codes(variants: list[JudgedVariant], words: str, code: int) -> None:
    report = report_of(*variants)
    assert exit_code(report) == code
    assert title(report) == words
    for form in LATENCY_FORMATS:
        assert words.removeprefix("latency guard ") in plain(form, report)
    data = as_json(report)
    assert (data["failed"], data["cannot_tell"], data["compared"]) == (
        report.fails,
        report.cannot_tell,
        report.compared,
    )


def test_counts() -> None:
    assert "1 broken, 1 regressed, 1 refused, 1 unclear, 1 improved, 1 new, 1 unchanged" in headline(ONE_OF_EACH)
    assert as_json(ONE_OF_EACH)["counts"] == dict.fromkeys(STATES, 1)
    assert [v["state"] for v in as_json(ONE_OF_EACH)["variants"]] == list(STATES)
    suite = suite_of(ONE_OF_EACH)
    found = tuple(suite.get(key) for key in ("tests", "failures", "errors", "skipped"))
    assert found == ("7", "2", "2", "1")


@pytest.mark.parametrize(
    ("variant", "tag", "level"),
    [
        (BROKEN, "failure", "error"),
        (of(SLOWER), "failure", "error"),
        (of(UNCLEAR), "error", "warning"),
        (REFUSED, "error", "error"),
        (NEW, "skipped", "notice"),
        (of(FASTER), None, "notice"),
        (of(SAME), None, "notice"),
    ],
)
def test_each_state_has_its_weight(variant: JudgedVariant, tag: str | None, level: str) -> None:
    case = suite_of(report_of(variant, of(SAME, "other"))).find(f"testcase[@name='{variant.name}']")
    assert case is not None
    assert [child.tag for child in case if child.tag != "system-out"] == ([tag] if tag else [])
    lines = LATENCY_FORMATS["github"](report_of(variant, of(SAME, "other"))).splitlines()
    assert [line.split()[0] for line in lines if f"title={variant.name}" in line] == [f"::{level}"]


def test_what_to_do() -> None:
    assert next_steps(report_of(of(SAME), of(FASTER), NEW)) == []
    steps = " ".join(next_steps(report_of(of(UNCLEAR))))
    assert all(words in steps for words in ("--restarts", "--seconds", "other work"))
    assert "bench duel" in " ".join(next_steps(report_of(of(SLOWER))))
    (step,) = next_steps(
        report_of(JudgedVariant(name="killed_net", state="unclear", reason="head was not measured to its end"))
    )
    assert "mend what its reason says" in step
    for step in next_steps(ONE_OF_EACH):
        assert all(step in plain(form, ONE_OF_EACH) for form in ("github", "markdown"))


@pytest.mark.parametrize("variants", [[], [NEW]])
def test_nothing_compared_is_no_pass(variants: list[JudgedVariant]) -> None:
    report = report_of(*variants)
    suite = suite_of(report)
    assert (suite.get("errors"), suite.get("tests")) == ("1", str(len(variants) + 1))
    assert LATENCY_FORMATS["github"](report).startswith("::warning ")
    assert all("nothing was compared" in plain(form, report) for form in ("junit", "github", "markdown"))


def test_everything_unclear_is_no_pass() -> None:
    report = report_of(*(of(UNCLEAR, f"net{i}") for i in range(3)))
    assert suite_of(report).get("errors") == "3"
    assert suite_of(report).get("tests") == "3"
    assert "nothing was compared" not in plain("markdown", report)
    assert "3 unclear" in headline(report)


@pytest.mark.parametrize("form", LATENCY_FORMATS)
def test_odd_names_and_reasons(form: str) -> None:
    reason = "head cannot run it: KeyError: 'a|b'\n\x1b[31m <b>&amp; 100%\r\nlast"
    report = report_of(JudgedVariant(name=NASTY, state="broken", reason=reason), of(SLOWER, NASTY))
    text = LATENCY_FORMATS[form](report)
    assert NASTY in plain(form, report)
    if form == "github":
        assert len(text.splitlines()) == 3
        assert all(re.fullmatch(r"::error title=[^:,]*::.*", line) for line in text.splitlines())
    if form == "junit":
        cases = suite_of(report).findall("testcase")
        assert [case.get("name") for case in cases] == [NASTY, NASTY]
        assert "\x1b" not in text
    if form == "markdown":
        rows = [line for line in text.splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    if form == "table":
        assert not any(line == "last" for line in text.splitlines())


def test_many_variants() -> None:
    """More than a summary or a list of annotations holds; the rest is counted, and the JSON has all."""
    report = report_of(*(of(SAME, f"net{i:03}") for i in range(150)), of(SLOWER, "slow_net"))
    assert "And 51 more variants" in plain("markdown", report)
    assert len(as_json(report)["variants"]) == 151
    lines = LATENCY_FORMATS["github"](report).splitlines()
    assert sum(line.startswith("::notice") for line in lines) == 10
    assert sum(line.startswith("::error") for line in lines) == 2
    assert "and 141 more" in lines[-1]


@pytest.mark.parametrize(("slowdown", "state"), [(0.0, "unchanged"), (0.2, "regressed"), (-0.2, "improved")])
def test_judged_times_in_all_formats(slowdown: float, state: State) -> None:
    logs = np.random.default_rng(0).normal(0, 0.01, (7, 3, 11))
    logs[:, 2] += math.log1p(slowdown)
    verdict = judge((1e7 * np.exp(logs)).astype(int).tolist(), Rule())
    report = report_of(of(verdict, "net"))
    assert verdict.state == state
    assert as_json(report)["variants"][0]["ratio"]["value"] == verdict.head.value
    assert all(state.lower() in plain(form, report).lower() for form in LATENCY_FORMATS)
    assert all(ratio_words(verdict.head, "base", "head") in plain(form, report) for form in LATENCY_FORMATS)


def test_beyond_the_limit_is_never_no_difference() -> None:
    """The interval is wider than the limit's noise, which both arms of the guard tell of."""
    odd = replace(SLOWER, head=Ratio(1.05, 0.99, 1.11))
    for form in LATENCY_FORMATS:
        text = plain(form, report_of(of(odd)))
        assert "beyond the limit: +5.0 % (95 % interval −1.0 to +11.0 %)" in text
        assert "no difference between base and head " not in text


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (Ratio(1.079, 1.051, 1.104), "B is 7.9 % slower than A (95 % interval 5.1 to 10.4 %)"),
        (Ratio(0.97, 0.955, 0.981), "B is 3.0 % faster than A (95 % interval 1.9 to 4.5 %)"),
        (Ratio(1.002, 0.99, 1.021), "no difference between A and B larger than 2.1 % could hide here"),
        (Ratio(0.998, 0.97, 1.01), "no difference between A and B larger than 3.0 % could hide here"),
        (Ratio(2.5, 2.4, 2.6), "B is 150.0 % slower than A (95 % interval 140.0 to 160.0 %)"),
        (Ratio(1.01, 1.0001, 1.02), "B is 1.0 % slower than A (95 % interval < 0.1 to 2.0 %)"),
        (Ratio(1, 1, 1), "no difference between A and B larger than 0.1 % could hide here"),
    ],
)
def test_a_ratio_in_words(ratio: Ratio, words: str) -> None:
    assert ratio_words(ratio, "A", "B") == words
