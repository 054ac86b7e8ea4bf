"""Hosts of this project that have loaded torch for an earlier test of the file: real ones, kept from block to block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench.latency import hosts
from bench.latency.hosts import Host
from tests.conftest import PROJECT

_Pool = dict[bool, list["_WarmHost"]]
"""Those that wait, by whether they keep memory."""


@dataclass
class _WarmHost(Host):
    """waits_in: where it goes at the end of a block. has_waited: it said long ago that it is ready."""

    waits_in: list[_WarmHost] = field(default_factory=list)
    has_waited: bool = False

    def hear(self) -> dict[str, Any]:
        if self.has_waited:
            self.has_waited = False
            return {"ready": True}
        return super().hear()

    def close(self) -> None:
        if self.has_child or self.process.poll() is not None:
            super().close()
        else:
            self.has_waited = True
            self.waits_in.append(self)


@pytest.fixture(scope="module")
def host_pool() -> Iterator[_Pool]:
    pool: _Pool = {True: [], False: []}
    yield pool
    for host in pool[True] + pool[False]:
        Host.close(host)


@pytest.fixture
def warm_hosts(host_pool: _Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of `started` take the hosts of this project from the blocks before."""
    start = hosts._start

    def start_or_take(label: str, root: Path, variables: Mapping[str, str]) -> Host:
        waiting = host_pool[bool(variables)]
        if root.resolve() != PROJECT:
            return start(label, root, variables)
        if waiting:
            host = waiting.pop()
            host.label = label
            return host
        fresh = start(label, root, variables)
        return _WarmHost(label=label, process=fresh.process, log=fresh.log, waits_in=waiting)

    monkeypatch.setattr(hosts, "_start", start_or_take)
