"""JUnit XML: suites of test cases with their outcomes."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""


def new_suites(name: str, seconds: float) -> Element:
    """The root of a document."""
    return Element("testsuites", name=clean(name), time=f"{seconds:.3f}")


def add_suite(suites: Element, name: str) -> Element:
    """An empty suite."""
    return SubElement(suites, "testsuite", name=clean(name))


def add_case(suite: Element, name: str) -> Element:
    """A test case, which has passed unless something is added to it."""
    return SubElement(suite, "testcase", name=clean(name), classname=suite.get("name", ""))


def add_outcome(case: Element, tag: str, kind: str, lines: list[str]) -> None:
    """A `failure` or `error` with its sentences, the first of them as its message."""
    outcome = SubElement(case, tag, type=kind, message=clean(lines[0] if lines else kind))
    outcome.text = clean("\n".join(lines))


def add_skipped(case: Element, lines: list[str]) -> None:
    """That a case was skipped, and why."""
    SubElement(case, "skipped", message=clean("; ".join(lines)))


def add_empty(suite: Element, name: str, words: str) -> None:
    """A test case in error, so that a suite in which nothing was compared does not pass."""
    SubElement(add_case(suite, name), "error", type="nothing compared", message=clean(words))


def add_output(element: Element, lines: list[str]) -> None:
    """Text beside a case or a suite."""
    SubElement(element, "system-out").text = clean("\n".join(lines))


def document(suites: Element) -> str:
    """The text, with its declaration and all counts."""
    for suite in suites:
        _tally(suite)
    for key in ("tests", "failures", "errors", "skipped"):
        suites.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, encoding="unicode") + "\n"


def clean(text: str) -> str:
    """Text without what XML cannot hold."""
    return _FORBIDDEN.sub("\ufffd", text)


def _tally(suite: Element) -> None:
    """Counts. No times: variants are measured together, so none has a time of its own."""
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(len(suite.findall(f"testcase/{tag}"))))
