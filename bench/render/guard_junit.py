"""The cost guard's findings as JUnit XML: a suite a space, a test case a variant."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from bench.judge.cost_guard import GuardedVariant, GuardReport, SpaceGuard
from bench.render.guard_words import STATE_WORDS, next_steps, sentences, space_line, title
from bench.render.junit_xml import add_case, add_outcome, add_output, add_suite, document, new_suites


def guard_junit(report: GuardReport) -> str:
    """The document, with its declaration. A space of which nothing was compared is a test case in error."""
    suites = new_suites(title(report), report.seconds)
    for space in report.spaces:
        _suite(suites, space, report)
    if not report.spaces:
        _empty(add_suite(suites, "guard.cost"), "; ".join(next_steps(report)))
    return document(suites)


def _suite(suites: Element, space: SpaceGuard, report: GuardReport) -> None:
    suite = add_suite(suites, f"guard.cost.{space.space}")
    for variant in space.variants:
        _outcome(add_case(suite, variant.name), variant, report)
    if not space.compared and not report.accepted:
        _empty(suite, f"nothing was compared: `{space.accept}` makes the baseline")
    if space.variants:
        add_output(suite, [space_line(space), *space.notes])


def _outcome(case: Element, variant: GuardedVariant, report: GuardReport) -> None:
    lines = sentences(variant)
    if variant.fails and not (report.accepted and variant.state == "grew"):
        add_outcome(case, "failure", variant.state, lines)
    elif variant.state in ("new", "dropped"):
        add_outcome(case, "skipped", variant.state, lines or [STATE_WORDS[variant.state]])
    elif lines:
        add_output(case, lines)


def _empty(suite: Element, words: str) -> None:
    add_outcome(add_case(suite, "baseline"), "error", "nothing compared", [words])
