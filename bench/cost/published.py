"""What others published about real-time networks on Cityscapes: reference points, not measured here."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_FILE = Path(__file__).with_name("published_cityscapes.csv")


@dataclass(frozen=True, kw_only=True)
class PublishedNetwork:
    """A network with its published cost: multiply-adds counted once, of one image of `size` (width, height)."""

    name: str
    parameters: float
    macs: float
    size: tuple[int, int]
    source: str


@lru_cache
def published_networks() -> tuple[PublishedNetwork, ...]:
    """Those of which both parameters and multiply-adds were published, each with its source."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["params_m"] and row["gmacs"]]
    return tuple(
        PublishedNetwork(
            name=row["model"],
            parameters=float(row["params_m"]) * 1e6,
            macs=float(row["gmacs"]) * 1e9,
            size=_size(row["gmacs_input"]),
            source=row["source"],
        )
        for row in rows
    )


def _size(text: str) -> tuple[int, int]:
    width, height = text.split("x")
    return int(width), int(height)
