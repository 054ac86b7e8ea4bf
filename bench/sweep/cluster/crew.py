"""The crew of a cluster: checked, with as many lanes as the nodes have room for, and a node alone for latencies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bench.sweep import pool
from bench.sweep.cells import Cell, Sources
from bench.sweep.cluster.check import Folders, check_nodes
from bench.sweep.cluster.connect import connected
from bench.sweep.cluster.nodes import Node, Share, alive_nodes, lanes_of, own_node
from bench.sweep.cluster.run import run_cells
from bench.sweep.executor import Crew
from bench.sweep.pool import Finished, Progress

_SOON_S = 10.0


@contextmanager
def cluster_crew(
    address: str | None, cpus: int, gpus: float | None, folders: Folders, notify: Callable[[str], None]
) -> Iterator[Crew]:
    """Join or start a cluster, check its nodes, and leave it when the block ends.

    Args:
        address: see `connected`.
        cpus: that a variant takes.
        gpus: that a training takes; None is 1 where the cluster has GPUs.
        folders: relative ones are made absolute.
        notify: is told in words what the cluster is and what happens to it.

    Raises:
        UserError: no cluster, no node with so much room, or a node that does not fit.
    """
    folders = _absolute(folders)
    with connected(address):
        nodes = alive_nodes()
        if gpus is None:
            gpus = 1.0 if any(node.gpus >= 1 for node in nodes) else 0.0
        share = Share(cpus, gpus)
        lanes = lanes_of(nodes, share)
        used = [node for node in nodes if share.without_gpu().places(node)]
        notify(f"cluster: {_words(used)}; {share} a training, {lanes.on_gpu} at a time; checking every node")
        device = "cuda" if gpus else "cpu"
        precision = check_nodes(used, folders, device)
        yield Crew(lanes, ClusterExecutor(share, folders, notify), (device, precision))


@dataclass(frozen=True)
class ClusterExecutor:
    """Runs costs and trainings anywhere, latencies on this node."""

    share: Share
    folders: Folders
    notify: Callable[[str], None]

    def __call__(
        self, cells: Iterable[Cell], sources: Sources, workers: int, timeout_s: float
    ) -> Iterator[Progress | Finished]:
        """See `Executor`. Where the cluster has room decides how many cells run at a time; `workers` that of latencies.

        Raises:
            UserError: see `run_cells`.
        """
        cells = list(cells)
        if any(cell.group == "latency" for cell in cells):
            # The key of a latency holds the driver's machine, so it is measured there; by the pool of one machine,
            # since a second way to run the clock would be a second thing to trust.
            with own_node_alone(self.notify):
                yield from pool.run_cells(cells, sources, workers, timeout_s)
        else:
            yield from run_cells(
                cells,
                self._travelling(sources),
                folders=self.folders,
                share=self.share,
                timeout_s=timeout_s,
                notify=self.notify,
            )

    def _travelling(self, sources: Sources) -> Sources:
        """By paths that all nodes see."""
        results = self.folders.results
        return replace(
            sources,
            data_root=self.folders.data_root,
            weights_dir=self.folders.weights_dir,
            trained=sources.trained and replace(sources.trained, results=results),
            confusions=sources.confusions and replace(sources.confusions, results=results),
            predictions=sources.predictions and replace(sources.predictions, results=results),
            exports=None,
        )


def _absolute(folders: Folders) -> Folders:
    """Links stay: a path is seen everywhere as it is named, not as it lies on this machine."""
    data, weights = folders.data_root, folders.weights_dir
    return Folders(folders.results.absolute(), data and data.absolute(), weights and weights.absolute())


def _words(nodes: list[Node]) -> str:
    cpus, gpus = (sum(getattr(node, name) for node in nodes) for name in ("cpus", "gpus"))
    count = f"{len(nodes)} node" + ("s" if len(nodes) > 1 else "")
    return f"{count} with {cpus:g} CPUs" + (f" and {gpus:g} GPUs" if gpus else "")


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
