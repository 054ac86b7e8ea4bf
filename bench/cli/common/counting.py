"""Counting many variants, with a bar that says how far it is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.cli.common.output import say

if TYPE_CHECKING:
    from bench.cost.batch import Counted
    from bench.cost.budget import Budget
    from bench.sweep.target import Target
    from variants.spec import VariantSpec


def count_with_progress(
    specs: Sequence[VariantSpec], classes: int, size: tuple[int, int], workers: int
) -> list[Counted]:
    """Count all specs at a size (width, height); in their order."""
    from rich.console import Console
    from rich.progress import Progress

    from bench.cost.batch import count_specs

    start = time.perf_counter()
    found: dict[VariantSpec, Counted] = {}
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("counting", total=len(specs))
        for one in count_specs(specs, classes, size, workers):
            found[one.spec] = one
            progress.advance(task)
    say(f"counted {len(found)} variants at {'x'.join(map(str, size))} in {time.perf_counter() - start:.1f} s")
    return [found[spec] for spec in specs]


def within_budget(target: Target, budget: Budget, workers: int) -> Target:
    """The target without the variants that cost more; one that cannot be counted stays, and says why where it fails.

    Raises:
        UserError: none is left.
    """
    if not budget:
        return target
    counted = count_with_progress(target.specs, target.classes, target.size, workers)
    specs = tuple(one.spec for one in counted if one.cost is None or budget.holds(one.cost))
    if not specs:
        raise budget.refuse_all(len(counted))
    say(f"budget: {budget}: {len(specs)} of {len(counted)} variants are within")
    return replace(target, specs=specs)
