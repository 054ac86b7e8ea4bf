"""The nodes of a cluster, and how many cells they hold side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import ray

from bench.errors import UserError
from bench.sweep.forecast import Lanes

_ROUNDING = 1e-9
"""1 / 0.1 must hold ten."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """One that is alive. name: its address. cpus, gpus: that Ray may give away there, busy or not."""

    id: str
    name: str
    cpus: float
    gpus: float


@dataclass(frozen=True)
class Share:
    """What a variant takes of a node while it is trained. gpus: a whole number, or a part of one GPU."""

    cpus: int = 1
    gpus: float = 0.0

    def without_gpu(self) -> Share:
        """What the count of a cost takes."""
        return Share(self.cpus)

    def places(self, node: Node) -> int:
        """How many fit on a node."""
        by_cpu = math.floor(node.cpus / self.cpus)
        if not self.gpus:
            return by_cpu
        if self.gpus < 1:  # a part never lies on two GPUs
            return min(by_cpu, math.floor(1 / self.gpus + _ROUNDING) * math.floor(node.gpus))
        return min(by_cpu, math.floor(node.gpus / self.gpus + _ROUNDING))

    def __str__(self) -> str:
        return f"{self.cpus} CPU" + ("s" if self.cpus > 1 else "") + (f" and {self.gpus:g} GPU" if self.gpus else "")


def alive_nodes() -> list[Node]:
    """Those that take tasks, as far as the cluster knows."""
    there = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    return [
        Node(
            id=n["NodeID"],
            name=n["NodeManagerAddress"],
            cpus=n["Resources"].get("CPU", 0.0),
            gpus=n["Resources"].get("GPU", 0.0),
        )
        for n in there
    ]


def own_node() -> Node:
    """The node on which this process is."""
    own = ray.get_runtime_context().get_node_id()
    return next(node for node in alive_nodes() if node.id == own)


def lanes_of(nodes: Sequence[Node], share: Share) -> Lanes:
    """How many cells run side by side.

    Raises:
        UserError: no node is large enough for one.
    """
    lanes = Lanes(sum(map(share.without_gpu().places, nodes)), sum(map(share.places, nodes)))
    if not lanes.workers or not lanes.on_gpu:
        largest = max(nodes, key=lambda node: (node.gpus, node.cpus))
        raise UserError(
            f"no node has {share}; the largest, {largest.name}, has {largest.cpus:g} CPUs and {largest.gpus:g} GPUs. "
            "Pass smaller --cpus-per-variant and --gpus-per-variant, or start a larger node."
        )
    return lanes
