"""Cells as tasks of Ray: on any node that has room, and again elsewhere when their node is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import ray
from ray.exceptions import NodeDiedError, ObjectLostError, RayError, RayTaskError

from bench.errors import UserError, describe_failure
from bench.sweep.cells import Cell, Sources, trains_on_gpu
from bench.sweep.cluster.check import Folders, Wanted
from bench.sweep.cluster.nodes import Share, alive_nodes
from bench.sweep.cluster.task import Place, measure_here
from bench.sweep.pool import Finished, Progress
from variants.fingerprint import code_fingerprint

_TICK_S = 0.5
_LOOK_AT_NODES_S = 10.0
_MOST_TRIES = 3
"""A cell that takes its node down must not take down all."""


def run_cells(
    cells: Sequence[Cell],
    sources: Sources,
    folders: Folders,
    share: Share,
    timeout_s: float,
    notify: Callable[[str], None],
) -> Iterator[Progress | Finished]:
    """Run all cells, as many at a time as the cluster has room for, also on nodes that join meanwhile.

    Args:
        cells: costs or trainings.
        sources: of absolute paths, which all nodes see.
        folders: the same, as nodes that join late are asked for them.
        share: of a node that a training takes; a cost takes no GPU.
        timeout_s: seconds after which a cell that runs is given up.
        notify: is told in words when a node is lost.

    Raises:
        UserError: no node is left that has room, or one that has joined, or changed, does not fit.
    """
    work = _Work(sources=sources, wanted=Wanted.of_driver(folders), share=share, timeout_s=timeout_s, notify=notify)
    try:
        for cell in cells:
            work.start(_Job(cell=cell))
        while work.jobs:
            ready, _ = ray.wait(list(work.jobs), num_returns=1, timeout=_TICK_S)
            work.refuse_no_room()
            for stream in ready:
                event = work.hear(stream)
                if event is not None:
                    yield event
    finally:
        for stream in work.jobs:
            with suppress(RayError, ValueError):
                ray.cancel(stream)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(kw_only=True)
class _Job:
    """A cell under way. Its start is told by the driver's clock, which orders the records of all nodes."""

    cell: Cell
    tries: int = 1
    node: str = "a node"
    started: str = field(default_factory=_now)
    since: float = field(default_factory=time.monotonic)

    def begin(self, node: str) -> None:
        self.node, self.started, self.since = node, _now(), time.monotonic()

    def fail(self, reason: str) -> Finished:
        return Finished(cell=self.cell, started=self.started, seconds=time.monotonic() - self.since, reason=reason)


@dataclass(kw_only=True)
class _Work:
    """The tasks that are not done, by the streams of what they say."""

    sources: Sources
    wanted: Wanted
    share: Share
    timeout_s: float
    notify: Callable[[str], None]
    jobs: dict[ray.ObjectRefGenerator, _Job] = field(default_factory=dict)
    looked: float = field(default_factory=time.monotonic)

    def start(self, job: _Job) -> None:
        """Give a cell to Ray, which retries nothing itself: it would do so also where memory does not suffice.

        Where a task has a GPU, its process ends with it, if the GPUs are said in `ray.remote`: another's fork server
        keeps the GPU of its first task.
        """
        share = self._share_of(job.cell)
        task = ray.remote(num_cpus=share.cpus, num_gpus=share.gpus)(measure_here).options(
            max_retries=0, num_returns="streaming", name=f"{job.cell.group} {job.cell.spec.name}"
        )
        stream = task.remote(job.cell, self.sources, self.timeout_s, self.wanted, code_fingerprint(job.cell.spec))
        self.jobs[stream] = job

    def hear(self, stream: ray.ObjectRefGenerator) -> Progress | Finished | None:
        """The next thing that a task says; a job that ends leaves the list."""
        job = self.jobs.pop(stream)
        try:
            event: Place | Progress | Finished = ray.get(next(stream))
        except (NodeDiedError, ObjectLostError):
            return self._lost(job)
        except RayTaskError as error:
            if isinstance(error.cause, UserError):
                raise error.cause from None
            return job.fail(describe_failure(error.cause or error))
        except (RayError, StopIteration) as error:
            return job.fail(f"its Ray worker on {job.node} ended: {describe_failure(error)}")
        if isinstance(event, Finished):
            return replace(event, started=job.started)
        self.jobs[stream] = job
        if isinstance(event, Place):
            job.begin(event.node)
            return None
        return event

    def refuse_no_room(self) -> None:
        """Look now and then whether a node is left that can hold what is not done: Ray would wait for one for ever."""
        if time.monotonic() - self.looked < _LOOK_AT_NODES_S:
            return
        self.looked = time.monotonic()
        nodes = alive_nodes()
        for share in {self._share_of(job.cell) for job in self.jobs.values()}:
            if not any(share.places(node) for node in nodes):
                raise UserError(
                    f"the cluster has no node with {share} any more. Every record that ended is kept; start nodes, and "
                    "run the same command to go on."
                )

    def _share_of(self, cell: Cell) -> Share:
        return self.share if trains_on_gpu(cell) else self.share.without_gpu()

    def _lost(self, job: _Job) -> Finished | None:
        """Start a cell anew whose node is gone, on another; one that has lost too many ends."""
        if job.tries >= _MOST_TRIES:
            return job.fail(f"the node that it ran on was lost {job.tries} times, last {job.node}")
        self.notify(f"node {job.node} was lost: {job.cell.group} of {job.cell.spec.name} goes on elsewhere")
        self.start(_Job(cell=job.cell, tries=job.tries + 1))
        return None
