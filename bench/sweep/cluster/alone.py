"""Latencies alone on the driver's node: no task of Ray beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bench.sweep.cluster.nodes import own_node

_SOON_S = 10.0


class _Holder:
    """Does nothing: while it lives, its resources are nobody else's."""

    def here(self) -> None:
        """Answer when the resources are held."""


@contextmanager
def own_node_alone(notify: Callable[[str], None]) -> Iterator[None]:
    """Hold all CPUs and GPUs of this process's node; waits, in words, until others have left it."""
    node = own_node()
    if not node.cpus and not node.gpus:  # a node that Ray gives no work
        yield
        return
    pinned = NodeAffinitySchedulingStrategy(node.id, soft=False)
    holders = ray.remote(_Holder).options(num_cpus=node.cpus, num_gpus=node.gpus, scheduling_strategy=pinned)
    holder: Any = holders.remote()
    try:
        held = holder.here.remote()
        if not ray.wait([held], timeout=_SOON_S)[0]:
            notify(f"latencies wait until other Ray tasks have left this node, {node.name} (`ray status` shows them)")
        ray.get(held)
        yield
    finally:
        ray.kill(holder)
