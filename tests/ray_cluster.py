"""A Ray cluster of two nodes in processes of their own, on addresses of the loopback device alone."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

# Ray takes 127.0.0.1 for the machine's outer address; these it leaves as they are, and they tell the nodes apart.
HEAD, SECOND = "127.0.0.2", "127.0.0.3"
_OBJECTS = 80 * 2**20


class TwoNodes:
    """Each has one CPU. address: of the head."""

    def __init__(self, cluster: Any, second: Any) -> None:
        self._cluster = cluster
        self._second = second

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def second_measures(self) -> bool:
        """Whether a cell runs there: a fork server, and its child of the same command line."""
        return sum("forkserver" in " ".join(_command(process)) for process in self._of_second()) > 1

    def kill_second(self) -> None:
        """As a node loses its power: its raylet and all that it started, at once."""
        for process in self._of_second():
            process.kill()
        self._second = None

    def ensure_second(self) -> None:
        """Start it again, where it was killed."""
        if self._second is None:
            self._second = _add(self._cluster, SECOND)

    def _of_second(self) -> list[psutil.Process]:
        raylet = psutil.Process(self._second.all_processes["raylet"][0].process.pid)
        return [raylet, *raylet.children(recursive=True)]


@contextmanager
def two_nodes() -> Iterator[TwoNodes]:
    """Start them, and leave no process and no file behind."""
    folder = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # sockets have short names
    before = dict(os.environ)
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_TMPDIR": folder}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Ray's own
            from ray.cluster_utils import Cluster

            cluster = Cluster()
            try:
                _add(cluster, HEAD)
                yield TwoNodes(cluster, _add(cluster, SECOND))
            finally:
                cluster.shutdown()  # type: ignore[no-untyped-call]
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(folder, ignore_errors=True)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _add(cluster: Any, address: str) -> Any:
    return cluster.add_node(
        num_cpus=1, num_gpus=0, node_ip_address=address, include_dashboard=False, object_store_memory=_OBJECTS
    )
