"""`bench guard --front`: stops a change after which the committed front is worse beyond noise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.common.output import say
from bench.cli.guard.front_changes import print_comparison
from bench.cli.guard.outcome import Outcome
from bench.errors import ExitCode, UserError

if TYPE_CHECKING:
    from bench.analysis.constraints import Limit
    from bench.guard.front_comparison import Reference

_COSTS = {"gmacs": "macs", "params": "parameters"}


def run_front_guard(sweeps: tuple[str, ...], against: Reference, pins: tuple[str, ...], results_dir: Path) -> Outcome:
    """Compare each sweep.

    Raises:
        UserError: no sweep is named, a pin is none, or as `compare_fronts`.
    """
    if not sweeps:
        raise UserError("--front guards the sweeps that are named: `bench guard --front camvid --against origin/main`.")
    from bench.guard.front_comparison import compare_fronts

    limits = [_read_pin(pin) for pin in pins]
    found = {}
    for sweep in sweeps:
        found[sweep] = compare_fronts(sweep, against, results_dir, limits)
        print_comparison(found[sweep])
    figures = sum(one.figures for one in found.values())
    worse = [sweep for sweep, one in found.items() if one.is_worse]
    same = [sweep for sweep, one in found.items() if one.same_records]
    if worse:
        say(f"front guard failed: worse beyond noise: {', '.join(worse)}; {_figures(figures)}")
        return Outcome(ExitCode.CHECK_FAILED, figures)
    if same:
        say(f"front guard compared nothing of {', '.join(same)}; {_figures(figures)}")
        return Outcome(ExitCode.NOTHING_MEASURED, figures)
    say(f"front guard passed: no front is worse beyond noise; {_figures(figures)}")
    return Outcome(ExitCode.FINE, figures)


def _figures(count: int) -> str:
    return f"{count} figure{'' if count == 1 else 's'} compared"


def _read_pin(text: str) -> Limit:
    from bench.analysis.constraints import read_limit

    name = re.split("[<>=]", text)[0].strip()
    if name not in _COSTS:
        raise UserError(f"{text!r} pins no cost: write {' or '.join(f'{cost}<=3' for cost in _COSTS)}, in quotes.")
    return read_limit(_COSTS[name], text.strip().removeprefix(name))
