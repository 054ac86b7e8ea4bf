"""Eager PyTorch: operator by operator, as the network was written."""

from __future__ import annotations

from pathlib import Path

from bench.latency.scope import Run, Scoped
from bench.settings.latency import LatencySetting


def prepare(graph: Scoped, setting: LatencySetting, exported: Path) -> Run:
    """The graph itself."""
    return graph
