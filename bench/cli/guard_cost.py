"""`bench guard --cost`: today's figures against the committed baseline."""

from __future__ import annotations

import time
from pathlib import Path

from bench.cli.guard_options import Growth, Output, conclude, read_allowance
from bench.errors import ExitCode, UserError
from bench.judge.cost_guard import Allowance, GuardReport
from bench.render.guard_formats import FORMATS
from bench.render.guard_words import headline, next_steps, title


def run_cost_guard(
    spaces: tuple[str, ...], accept: bool, growth: tuple[Growth, ...], form: str, outputs: tuple[Output, ...],
    workers: int, results_dir: Path,
) -> None:  # fmt: skip
    """Compare the costs of spaces with their baselines, print and write what was found, and end with its exit code."""
    if accept and growth:
        raise UserError("--allow says what the guard lets through; --accept lets everything through. Give one of them.")
    allowed = read_allowance(growth)
    report = _look(spaces, accept, allowed, workers, results_dir)
    texts = {name: render(report) for name, render in FORMATS.items()}
    ends = ExitCode.CHECK_FAILED if report.fails else ExitCode.NOTHING_MEASURED if report.is_empty else None
    conclude(texts, form, outputs, f"{title(report)}: {headline(report)}", next_steps(report), ends)


def _look(
    names: tuple[str, ...], accept: bool, allowed: Allowance, workers: int, results_dir: Path
) -> GuardReport:  # fmt: skip
    from bench.cli.guard_find import find_spaces
    from bench.cli.guard_space import accept_space, deciding_versions, guard_space
    from bench.cost.trace import METHOD
    from bench.machine import commit

    start = time.perf_counter()
    found = find_spaces(names, results_dir, accept)
    look = accept_space if accept else guard_space
    spaces = tuple(look(space, allowed, workers) for space in found)
    return GuardReport(spaces, METHOD, commit(), deciding_versions(), time.perf_counter() - start, accept)
