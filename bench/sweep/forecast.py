"""How long a sweep will take: measured on a probe before it, on its own cells while it runs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from bench.settings.latency import ProcessSetting
from bench.storage.records import GROUPS, Group
from bench.sweep.cells import Cell, trains_on_gpu

Place = tuple[Group, str, str | None, str | None]
"""Group, network, backbone and runtime: what cells that take about as long have in common."""


def place_of(cell: Cell) -> Place:
    """Where a cell belongs."""
    runtime = cell.setting.runtime if isinstance(cell.setting, ProcessSetting) else None
    return cell.group, cell.spec.network, cell.spec.backbone, runtime


@dataclass(frozen=True)
class Lanes:
    """How many cells run side by side. workers: on the processor. on_gpu: trainings on the GPU."""

    workers: int
    on_gpu: int = 1

    def of(self, group: Group, cells: list[Cell]) -> int:
        """Those of a group; latencies run alone."""
        if group == "latency":
            return 1
        on_gpu = group == "accuracy" and any(trains_on_gpu(cell) for cell in cells)
        return self.on_gpu if on_gpu else self.workers


@dataclass(kw_only=True)
class Forecast:
    """Seconds a cell, guessed before and corrected by what cells of the same group took."""

    lanes: Lanes
    probed: dict[Place, float] = field(default_factory=dict)
    """Seconds of a cell of each place."""
    later_s: float = 0.0
    """Of cells that are not known yet."""
    _spent: dict[Group, float] = field(default_factory=dict)
    _guessed: dict[Group, float] = field(default_factory=dict)

    def learn(self, cell: Cell, seconds: float) -> None:
        """Take in what a finished cell took."""
        self._spent[cell.group] = self._spent.get(cell.group, 0) + seconds
        self._guessed[cell.group] = self._guessed.get(cell.group, 0) + self.probed[place_of(cell)]

    def seconds_left(self, waiting: list[Cell], running: dict[str, tuple[Cell, float]]) -> float:
        """Seconds until all is done.

        Args:
            waiting: cells that have not started.
            running: cells that run, by key, with the share of each that is done.
        """
        left = [(cell, 1.0) for cell in waiting] + [(cell, 1 - share) for cell, share in running.values()]
        total = self.later_s
        for group in GROUPS:
            cells = [cell for cell, _ in left if cell.group == group]
            seconds = [self._seconds(cell) * share for cell, share in left if cell.group == group]
            total += max(sum(seconds) / self.lanes.of(group, cells), max(seconds, default=0.0))
        return total

    def _seconds(self, cell: Cell) -> float:
        guessed = self._guessed.get(cell.group, 0)
        correction = self._spent[cell.group] / guessed if guessed else 1.0
        return self.probed[place_of(cell)] * correction


def duration_words(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def finish_time(seconds: float) -> str:
    """The local clock time in so many seconds."""
    return time.strftime("%H:%M", time.localtime(time.time() + seconds))
