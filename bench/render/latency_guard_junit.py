"""The latency guard's findings as JUnit XML: a test case a variant."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from bench.judge.latency_guard import JudgedVariant, LatencyGuardReport
from bench.render.junit_xml import add_case, add_outcome, add_output, add_suite, document, new_suites
from bench.render.latency_guard_words import headline, next_steps, sentences, setting_words, title


def latency_guard_junit(report: LatencyGuardReport) -> str:
    """The document. A variant of which the guard cannot tell is in error, since the check did not do its work."""
    suites = new_suites(title(report), report.seconds)
    suite = add_suite(suites, "guard.latency")
    for variant in report.variants:
        _outcome(add_case(suite, variant.name), variant)
    if not report.compared and not report.fails:
        add_outcome(add_case(suite, "compared"), "error", "nothing compared", next_steps(report))
    add_output(suite, [headline(report), *setting_words(report)])
    return document(suites)


def _outcome(case: Element, variant: JudgedVariant) -> None:
    lines = sentences(variant)
    if variant.fails:
        add_outcome(case, "failure", variant.state, lines)
    elif variant.state == "unclear":
        add_outcome(case, "error", "cannot tell", lines)
    elif variant.state == "new":
        add_outcome(case, "skipped", "new", lines)
    else:
        add_output(case, lines)
