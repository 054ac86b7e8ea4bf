"""How a promise is said to be kept or not."""

from __future__ import annotations


def verdict(fine: bool) -> str:
    """Of a promise."""
    return "met" if fine else "NOT met"
