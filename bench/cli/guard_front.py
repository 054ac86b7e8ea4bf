"""`bench guard --front`: stops a change after which the committed front is worse beyond noise."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.front_moves import compare_fronts
from bench.cli.say import say
from bench.errors import ExitCode, UserError

if TYPE_CHECKING:
    from bench.judge.limits import Limit

_COSTS = {"gmacs": "macs", "params": "parameters"}


def run_front_guard(sweeps: tuple[str, ...], against: str, pins: tuple[str, ...], results_dir: Path) -> None:
    """Compare each sweep, and end with the exit code.

    Raises:
        UserError: no sweep is named, a pin is none, or as `compare_fronts`.
    """
    if not sweeps:
        raise UserError("--front guards the sweeps that are named: `bench guard --front camvid --against origin/main`.")
    limits = [_read_pin(pin) for pin in pins]
    worse = []
    for sweep in sweeps:
        moves, points = compare_fronts(sweep, against, results_dir, limits)
        if any(move.is_worse for move in moves) or any(point.is_worse for point in points):
            worse.append(sweep)
    if worse:
        say(f"worse beyond noise: {', '.join(worse)}")
        sys.exit(ExitCode.CHECK_FAILED)
    say("no front is worse beyond noise")


def _read_pin(text: str) -> Limit:
    from bench.judge.limits import read_limit

    name = text.strip().rstrip("0123456789.<=>kKmMgG ")
    if name not in _COSTS:
        raise UserError(f"{text!r} pins no cost: write {' or '.join(f'{cost}<=3' for cost in _COSTS)}, in quotes.")
    return read_limit(_COSTS[name], text.strip().removeprefix(name))
