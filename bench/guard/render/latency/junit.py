"""The latency guard's findings as JUnit XML: a test case a variant."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from bench.guard.latency_report import JudgedVariant, LatencyGuardReport
from bench.guard.render import junit_xml
from bench.guard.render.latency.text import (
    STATE_WORDS,
    compared_nothing,
    headline,
    next_steps,
    sentences,
    setting_words,
    title,
)


def latency_guard_junit(report: LatencyGuardReport) -> str:
    """The document. A variant of which the guard cannot tell is in error, since the check did not do its work."""
    suites = junit_xml.new_suites(title(report), report.seconds)
    suite = junit_xml.add_suite(suites, "guard.latency")
    for variant in report.variants:
        _outcome(junit_xml.add_case(suite, variant.name), variant)
    if compared_nothing(report):
        junit_xml.add_empty(suite, "compared", "; ".join(next_steps(report)))
    junit_xml.add_output(suite, [headline(report), *setting_words(report)])
    return junit_xml.document(suites)


def _outcome(case: Element, variant: JudgedVariant) -> None:
    lines = sentences(variant)
    if variant.fails:
        junit_xml.add_outcome(case, "failure", variant.state, lines)
    elif variant.state in ("refused", "unclear"):
        junit_xml.add_outcome(case, "error", STATE_WORDS[variant.state].lower(), lines)
    elif variant.state == "new":
        junit_xml.add_skipped(case, lines or [STATE_WORDS[variant.state]])
    else:
        junit_xml.add_output(case, lines)
