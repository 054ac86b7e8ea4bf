"""Hosts of the latency guard that are forked from a process which has loaded torch: fresh ones in all else."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, cast

import pytest

from bench.latency import hosts
from bench.latency.hosts import Host

_SERVER = Path(__file__).with_name("host_server.py")


@pytest.fixture
def warm_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of `started` fork their hosts. All keep memory from pass to pass, asked or not."""
    monkeypatch.setattr(hosts, "_start", _fork)


def _fork(label: str, root: Path, variables: Mapping[str, str]) -> Host:
    log = TemporaryFile()  # noqa: SIM115 - closed with the host
    process = cast("subprocess.Popen[str]", _Forked([str(hosts._SCRIPT), str(root)], log.fileno()))
    return Host(label=label, process=process, log=log)


class _Forked:
    """A process, with the part of `subprocess.Popen` that a host uses."""

    def __init__(self, script: list[str], log: int) -> None:
        (theirs_in, ours_in), (ours_out, theirs_out) = os.pipe(), os.pipe()
        self.pid: int = _ask({"script": script}, theirs_in, theirs_out, log)
        os.close(theirs_in)
        os.close(theirs_out)
        self.stdin, self.stdout = (_text(descriptor, mode) for descriptor, mode in ((ours_in, "w"), (ours_out, "r")))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._await(to_its_end=False)

    def wait(self) -> int:
        return cast(int, self._await(to_its_end=True))

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def communicate(self) -> None:
        self.wait()
        self.stdin.close()
        self.stdout.close()

    def _await(self, to_its_end: bool) -> int | None:
        if self.returncode is None:
            self.returncode = _ask({"wait": self.pid, "to_its_end": to_its_end})
        return self.returncode


def _text(descriptor: int, mode: str) -> TextIOWrapper:
    return cast(TextIOWrapper, os.fdopen(descriptor, mode))


def _ask(request: dict[str, Any], *descriptors: int) -> Any:
    server, _ = _server()
    socket.send_fds(server, [json.dumps(request).encode()], descriptors)
    answer = server.recv(100)
    assert answer, "the process that forks hosts has ended"
    return json.loads(answer)


@cache
def _server() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The process that forks, and how to ask it; the end of this process closes the socket, and that ends the other."""
    ours, theirs = socket.socketpair()
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE", **hosts._KEEP_MEMORY}
    command = [sys.executable, str(_SERVER), str(theirs.fileno())]
    process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment)
    theirs.close()
    return ours, process
