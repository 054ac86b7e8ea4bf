"""Warm-up: passes until they take no less time than those before them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

_WINDOW = 4
"""Passes of which a median is taken."""
_LONG_S = 0.05
"""Of passes that even out by themselves what makes short ones differ; of them hardly more than the first is slow."""
_SETTLED = 0.03
"""Two windows in a row that differ by no more are settled."""
_MOST_PASSES = 60
_MOST_SECONDS = 3.0
"""Of all passes, after which no more than two windows of them are run."""


@dataclass(frozen=True)
class WarmUp:
    """passes: that were run. settled: whether they had come to an end of getting faster. seconds: of the last ones."""

    passes: int
    settled: bool
    seconds: float


def warm_up(run: Callable[[], object], clock: Callable[[], float] = time.perf_counter, brief: bool = False) -> WarmUp:
    """Run passes until two windows of them take the same time, or it is enough.

    Args:
        run: one pass, which ends when the device has ended.
        clock: in seconds.
        brief: compare single passes where they are long, for times that are compared and not told.
    """
    times: list[float] = []
    start = clock()
    while True:
        before = clock()
        run()
        times.append(clock() - before)
        window = 1 if brief and min(times) >= _LONG_S else _WINDOW
        if len(times) < 2 * window:
            continue
        earlier, last = median(times[-2 * window : -window]), median(times[-window:])
        settled = last >= (1 - _SETTLED) * earlier
        if settled or len(times) >= _MOST_PASSES or clock() - start >= _MOST_SECONDS:
            return WarmUp(len(times), settled, last)
