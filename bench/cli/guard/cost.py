"""`bench guard --cost`: today's figures against the committed baseline."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.cli.guard.options import Growth, Output, read_allowance, show_report
from bench.cli.guard.outcome import Outcome
from bench.errors import ExitCode, UserError
from bench.guard.cost_comparison import Allowance, GuardReport
from bench.guard.render.cost.formats import FORMATS
from bench.guard.render.cost.text import headline, next_steps, title


def run_cost_guard(
    spaces: tuple[str, ...],
    accept: bool,
    growth: tuple[Growth, ...],
    form: str,
    outputs: tuple[Output, ...],
    workers: int,
    results_dir: Path,
    against: str | None,
) -> Outcome:
    """Compare the costs of spaces with their baselines, and print and write what was found."""
    if accept and growth:
        raise UserError("--allow says what the guard lets through; --accept lets everything through. Give one of them.")
    allowed = read_allowance(growth)
    report = _look(spaces, accept, allowed=allowed, workers=workers, results_dir=results_dir, against=against)
    texts = {name: render(report) for name, render in FORMATS.items()}
    show_report(texts, form, outputs=outputs, verdict=f"{title(report)}: {headline(report)}", steps=next_steps(report))
    ends = ExitCode.CHECK_FAILED if report.fails else ExitCode.NOTHING_MEASURED if report.is_empty else ExitCode.FINE
    return Outcome(ends, report.accepted_figures if accept else report.figures)


def _look(
    names: tuple[str, ...], accept: bool, allowed: Allowance, workers: int, results_dir: Path, against: str | None
) -> GuardReport:
    from functools import partial

    from bench.cli.common.counting import count_with_progress
    from bench.guard.cost_run import accept_space, deciding_versions, guard_space, plugins_set_aside
    from bench.guard.cost_spaces import find_spaces
    from bench.settings.cost import COUNTING_METHOD
    from bench.system.machine import commit

    start = time.perf_counter()
    with _agreed_results(against, results_dir) as (agreed, label):
        found = find_spaces(names, results_dir, accept, agreed)
    look, count = accept_space if accept else guard_space, partial(count_with_progress, workers=workers)
    spaces = tuple(look(space, allowed, count) for space in found)
    return GuardReport(
        spaces=spaces,
        method=COUNTING_METHOD,
        commit=commit(),
        versions=deciding_versions(),
        seconds=time.perf_counter() - start,
        accepted=accept,
        against=label,
        set_aside=plugins_set_aside(),
    )


@contextmanager
def _agreed_results(against: str | None, results_dir: Path) -> Iterator[tuple[Path | None, str]]:
    """The folder of results at the revision that is compared with, and how the revision is called."""
    from bench.latency.checkout import checked_out_folder

    if against is None:
        yield None, ""
        return
    with checked_out_folder(against, results_dir) as found:
        yield found
