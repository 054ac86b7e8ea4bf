"""The guard's findings as JUnit XML: a suite a space, a test case a variant."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from bench.judge.cost_guard import GuardedVariant, GuardReport, SpaceGuard
from bench.render.guard_words import STATE_WORDS, next_steps, sentences, space_line, title

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""


def guard_junit(report: GuardReport) -> str:
    """The document, with its declaration. A space of which nothing was compared is a test case in error."""
    suites = Element("testsuites", name=title(report), time=f"{report.seconds:.3f}")
    for space in report.spaces:
        _suite(suites, space, report)
    if not report.spaces:
        _empty(SubElement(suites, "testsuite", name="guard.cost"), "; ".join(next_steps(report)))
    for suite in suites:
        _tally(suite)
    for key in ("tests", "failures", "errors", "skipped"):
        suites.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, encoding="unicode") + "\n"


def _suite(suites: Element, space: SpaceGuard, report: GuardReport) -> None:
    suite = SubElement(suites, "testsuite", name=_clean(f"guard.cost.{space.space}"))
    for variant in space.variants:
        case = SubElement(suite, "testcase", name=_clean(variant.name), classname=suite.get("name", ""))
        _outcome(case, variant, report)
    if not space.compared and not report.accepted:
        _empty(suite, f"nothing was compared: `{space.accept}` makes the baseline")
    if space.variants:
        SubElement(suite, "system-out").text = _clean("\n".join([space_line(space), *space.notes]))


def _outcome(case: Element, variant: GuardedVariant, report: GuardReport) -> None:
    lines = sentences(variant)
    if variant.fails and not (report.accepted and variant.state == "grew"):
        failure = SubElement(case, "failure", type=variant.state, message=_clean(lines[0] if lines else ""))
        failure.text = _clean("\n".join(lines))
    elif variant.state in ("new", "dropped"):
        SubElement(case, "skipped", message=_clean("; ".join(lines) or STATE_WORDS[variant.state]))
    elif lines:
        SubElement(case, "system-out").text = _clean("\n".join(lines))


def _empty(suite: Element, words: str) -> None:
    case = SubElement(suite, "testcase", name="baseline", classname=suite.get("name", ""))
    SubElement(case, "error", type="nothing compared", message=_clean(words))


def _tally(suite: Element) -> None:
    """Counts. No times: variants of a backbone are counted together, so none has a time of its own."""
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(len(suite.findall(f"testcase/{tag}"))))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
