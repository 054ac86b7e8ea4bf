"""Whether a measured ratio keeps what is promised."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


def verdict(fine: bool) -> str:
    """Of a promise."""
    return "met" if fine else "NOT met"
