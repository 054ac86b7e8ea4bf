"""Adaptations beside sweeps: `adapt/NAME` on the command line, results/adapt/NAME and reports/adapt/NAME."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.store import Store

FOLDER = "adapt"
PREFIX = f"{FOLDER}/"


def adaptations_in(results: Path) -> Store:
    """Their records, below the folder of all sweeps."""
    from bench.store import Store

    return Store(results / FOLDER)
