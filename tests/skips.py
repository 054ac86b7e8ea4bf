"""Where nothing may be skipped but what needs a GPU, as in CI, a skipped test makes the run fail.

`BENCH_SKIPS=gpu pytest` lists the others with their reasons. Of a run on several processes the reports arrive here too.
"""

from __future__ import annotations

import os

import pytest

VARIABLE = "BENCH_SKIPS"
_ALLOWED = "gpu"
"""The mark, and the one value of the variable."""


class SkipsAreFailures:
    """Keeps the skipped tests without the mark; the run fails if there are any."""

    def __init__(self) -> None:
        self.skipped: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        expected = hasattr(report, "wasxfail")
        if report.skipped and not expected and _ALLOWED not in report.keywords:
            self.skipped[report.nodeid] = _reason(report.longrepr)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Of a whole file."""
        if report.skipped:
            self.skipped[report.nodeid] = _reason(report.longrepr)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.skipped and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.skipped:
            terminalreporter.section(f"skipped, where {VARIABLE}={_ALLOWED} allows only tests marked {_ALLOWED!r}")
            for test, reason in sorted(self.skipped.items()):
                terminalreporter.line(f"{test}: {reason}")


def pytest_configure(config: pytest.Config) -> None:
    """Watch the skips, where the variable asks for it.

    Raises:
        UsageError: it has another value.
    """
    asked = os.environ.get(VARIABLE, "")
    if asked not in ("", _ALLOWED):
        raise pytest.UsageError(f"{VARIABLE}={asked} is unknown. Set {VARIABLE}={_ALLOWED}, or leave it out.")
    if asked and not hasattr(config, "workerinput"):  # workers send their reports
        config.pluginmanager.register(SkipsAreFailures())


def _reason(longrepr: object) -> str:
    """Why a test was skipped, without the place in the code."""
    return str(longrepr[-1]).removeprefix("Skipped: ") if isinstance(longrepr, tuple) else str(longrepr)
