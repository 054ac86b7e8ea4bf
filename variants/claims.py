"""Published numbers: they stand beside what they are about, and are recomputed, never trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One published number.

    `macs_g` in G multiply-adds at `size` (width, height) with `classes`; `parameters_m` in millions.
    `tolerance` is the relative difference up to which it counts as met, from the digits it was printed
    with; a claim that is not met has `difference`, which says why.
    """

    metric: Literal["macs_g", "parameters_m"]
    value: float
    source: str
    size: tuple[int, int] = (2048, 1024)
    classes: int = 19
    tolerance: float = 0.001
    scope: Literal["network", "backbone"] = "network"
    """"backbone": without decoder and classifier."""
    difference: str = ""
