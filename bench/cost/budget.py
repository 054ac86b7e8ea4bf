"""The most that a variant may cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from bench.cost.figures import Cost
from bench.errors import UserError

_SUFFIXES = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}


@dataclass(frozen=True)
class Budget:
    """Limits that a variant may reach and not pass; None: no limit."""

    max_gmacs: float | None = None
    max_parameters: int | None = None

    def __bool__(self) -> bool:
        return self.max_gmacs is not None or self.max_parameters is not None

    def narrowed(self, other: Budget) -> Budget:
        """These limits, with those that the other one has in their place."""
        return Budget(
            self.max_gmacs if other.max_gmacs is None else other.max_gmacs,
            self.max_parameters if other.max_parameters is None else other.max_parameters,
        )

    def holds(self, cost: Cost) -> bool:
        """Whether a variant of that cost is within the budget."""
        return all(share <= 0 for share in self.excess(cost).values())

    def excess(self, cost: Cost) -> dict[str, float]:
        """By limit, by which share of it a variant of that cost is above; 0 or less: it is within."""
        reached = {
            "macs": (cost.total.macs, self.max_gmacs and self.max_gmacs * 1e9),
            "parameters": (cost.whole.parameters, self.max_parameters),
        }
        return {name: value / limit - 1 for name, (value, limit) in reached.items() if limit is not None}

    def __str__(self) -> str:
        macs = f"at most {self.max_gmacs:g} GMACs" if self.max_gmacs is not None else ""
        parameters = f"at most {self.max_parameters:,} parameters" if self.max_parameters is not None else ""
        return " and ".join(words for words in (macs, parameters) if words) or "no limit"

    def refuse_all(self, variants: int) -> UserError:
        """That none of so many variants is within the budget."""
        return UserError(
            f"none of the {variants} variants is within the budget of {self}. `bench cost` without limits shows what "
            "they cost."
        )


NO_LIMIT = Budget()


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
