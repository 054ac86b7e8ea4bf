"""What runs the cells of a plan: processes of this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from bench.settings.accuracy import TrainingWay
from bench.sweep.cells import Cell, Sources
from bench.sweep.forecast import Lanes
from bench.sweep.pool import Finished, Progress, run_cells


class Executor(Protocol):
    """Runs cells of one group and tells what happens to them; `bench.sweep.pool.run_cells` is one."""

    def __call__(
        self, cells: Iterable[Cell], sources: Sources, workers: int, timeout_s: float
    ) -> Iterator[Progress | Finished]:
        """Run `cells`, `workers` at a time; one that fails or exceeds `timeout_s` ends with a reason."""
        ...


@dataclass(frozen=True)
class Crew:
    """Who measures. lanes: cells side by side. way: of the trainings; None is this machine's own."""

    lanes: Lanes
    execute: Executor = run_cells
    way: TrainingWay | None = None
