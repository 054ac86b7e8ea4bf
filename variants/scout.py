"""One spec for each value of a product of axes: what can be checked of a space that is too large to list."""

from __future__ import annotations

import random
from typing import Any

from variants.errors import VariantError
from variants.product import Product
from variants.spec import VariantSpec

_TRIES = 1000
"""At random: a value that fits in one of a hundred combinations is missed once in 20000 times."""


def scout(product: Product) -> list[VariantSpec]:
    """For each value of each axis, a spec that has it.

    Raises:
        VariantError: a value that fits in none of a thousand random combinations.
    """
    draw = random.Random(0)  # noqa: S311 - no secret
    found = [
        _one_with(product, axis, index, draw)
        for axis, values in product.axes.items()
        for index in range(len(values.values))
    ]
    return list(dict.fromkeys(found))


def _one_with(product: Product, axis: str, index: int, draw: random.Random) -> VariantSpec:
    value = product.axes[axis].values[index]
    error: VariantError | None = None
    for _ in range(_TRIES):
        combination: dict[str, Any] = {name: draw.choice(some.values) for name, some in product.axes.items()}
        made = product.make(combination | {axis: value})
        if made.spec is not None and axis in made.combination and axis not in made.obstacles:
            return made.spec
        error = made.error or error
    why = error or "it applies to none of them, or none meets its condition"
    raise VariantError(f"{axis} {value!r} fits in none of {_TRIES} random combinations: {why}", axis, index)
