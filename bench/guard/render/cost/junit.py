"""The cost guard's findings as JUnit XML: a suite a space, a test case a variant."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from bench.guard.cost_comparison import GuardedVariant, GuardReport, SpaceGuard
from bench.guard.render import junit_xml
from bench.guard.render.cost.text import STATE_WORDS, fault_words, next_steps, sentences, space_line, title

_EMPTY = "baseline"
"""Name of the test case that stands for nothing compared."""


def guard_junit(report: GuardReport) -> str:
    """The document, with its declaration. A space of which nothing was compared is a test case in error."""
    suites = junit_xml.new_suites(title(report), report.seconds)
    for space in report.spaces:
        _suite(suites, space, report)
    if not report.spaces:
        junit_xml.add_empty(junit_xml.add_suite(suites, "guard.cost"), _EMPTY, "; ".join(next_steps(report)))
    return junit_xml.document(suites)


def _suite(suites: Element, space: SpaceGuard, report: GuardReport) -> None:
    suite = junit_xml.add_suite(suites, f"guard.cost.{space.space}")
    if space.faults:
        lines = [fault_words(fault, space, report.against) for fault in space.faults]
        junit_xml.add_outcome(junit_xml.add_case(suite, _EMPTY), "failure", "baseline", lines)
    for variant in space.variants:
        _outcome(junit_xml.add_case(suite, variant.name), variant, report)
    if space.lacks_baseline and not report.accepted:
        junit_xml.add_empty(suite, _EMPTY, f"nothing was compared: `{space.accept}` makes the baseline")
    if space.variants:
        junit_xml.add_output(suite, [space_line(space), *space.notes])


def _outcome(case: Element, variant: GuardedVariant, report: GuardReport) -> None:
    lines = sentences(variant)
    if variant.fails and not (report.accepted and variant.state == "grew"):
        junit_xml.add_outcome(case, "failure", variant.state, lines)
    elif variant.state in ("new", "dropped"):
        junit_xml.add_skipped(case, lines or [STATE_WORDS[variant.state]])
    elif lines:
        junit_xml.add_output(case, lines)
