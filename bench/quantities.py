"""Numbers as people type them."""

from __future__ import annotations

import math
from fractions import Fraction

_SUFFIXES = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}


def read_number(text: str | float) -> int:
    """A number of parameters: 5000000, "5M", "750k", "2.5m".

    Raises:
        ValueError: it is none, not above 0, infinite, or holds a part of a parameter.
    """
    bare = str(text).strip().lower()
    number, suffix = (bare[:-1], bare[-1]) if bare and bare[-1] in _SUFFIXES else (bare, "")
    try:
        about = float(number) * _SUFFIXES[suffix]
        fits = 0 < about < math.inf  # asked before: as a fraction, 1e999999999 would fill the memory
        exact = Fraction(number) if fits else None  # as written: 0.0023k is no whole number in float
    except ValueError:
        raise ValueError(f"{text!r} is not a number such as 5M, 750k or 5000000") from None
    if exact is None:
        raise ValueError(f"{text!r} is not a finite number above 0")
    value = exact * _SUFFIXES[suffix]
    if value.denominator > 1:
        fact = "less than one parameter" if value < 1 else "no whole number of parameters"
        meant = "write one such as 5M, 750k or 5000000" if suffix else f"{number} million is written {number}M"
        raise ValueError(f"{text!r} is {fact}; {meant}")
    return value.numerator
