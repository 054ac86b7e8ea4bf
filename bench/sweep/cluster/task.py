"""The body of a Ray task: one cell, on whichever node has room.

It runs the cell in a process of its own by the pool of one machine, so that a time-out, a crash and a want of memory
end as they do there. The items that it yields tell the driver what happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import ray

from bench.errors import UserError
from bench.sweep import pool
from bench.sweep.cells import Cell, Sources
from bench.sweep.cluster.check import Wanted, refuse_this_node
from bench.sweep.pool import Finished, Progress
from bench.system.machine import Origin
from variants.fingerprint import code_fingerprint


@dataclass(frozen=True)
class Place:
    """A task's first word: the node that it runs on."""

    node: str


def measure_here(
    cell: Cell, sources: Sources, timeout_s: float, wanted: Wanted, code: str
) -> Iterator[Place | Progress | Finished]:
    """Measure one cell on this node.

    Args:
        cell: a cost or a training.
        sources: of absolute paths.
        timeout_s: seconds after which it is given up.
        wanted: what the node must have. It may have joined since the others were checked.
        code: `code_fingerprint` of the driver, which covers packages from elsewhere too.

    Raises:
        UserError: the node has something else, or does not see the folders.
    """
    node = str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]
    yield Place(node)
    refuse_this_node(node, wanted)
    if code_fingerprint(cell.spec) != code:
        raise UserError(
            f"node {node} has other code of {cell.spec.name} than the machine that sweeps had when it began. Make them "
            "the same, then run the same command: it goes on from here."
        )
    for event in pool.run_cells([cell], sources, 1, timeout_s):
        yield replace(event, origin=Origin.here()) if isinstance(event, Finished) else event
