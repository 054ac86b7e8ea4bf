"""The most that a variant may cost."""

from __future__ import annotations

from dataclasses import dataclass

from bench.cost.figures import Cost
from bench.errors import UserError


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
