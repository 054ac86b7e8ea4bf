"""Start `bench` as processes that have loaded torch before: each is forked from one that waits, with its imports done.

What a test of kills costs is mostly the loading, in which there is nothing yet to lose. Run as a module, this file is
the process that waits.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
_LOOK_EVERY_S = 0.01


class WarmProcess:
    """A running `bench`, with the part of `subprocess.Popen` that tests of sweeps use."""

    def __init__(self, arguments: list[str], cwd: Path, env: dict[str, str]) -> None:
        self._files = {name: _empty_file() for name in ("stdout", "stderr")}
        self._said: dict[str, str] = {}
        self.pid: int = _ask({"start": arguments, "cwd": str(cwd), "env": env, **self._files})
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        if self.returncode is None:
            self.returncode = _ask({"poll": self.pid})
        return self.returncode

    def wait(self, timeout: float = float("inf")) -> int:
        """The exit code, once it has ended.

        Raises:
            TimeoutExpired: it has not by then.
        """
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("bench", timeout)
            time.sleep(_LOOK_EVERY_S)
        return code

    def communicate(self, timeout: float = float("inf")) -> tuple[str, str]:
        """What it said on stdout and stderr, once it has ended.

        Raises:
            TimeoutExpired: it has not by then.
        """
        self.wait(timeout)
        for name, path in self._files.items():
            self._said[name] = Path(path).read_text()
            Path(path).unlink()
        self._files = {}
        return self._said["stdout"], self._said["stderr"]

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _empty_file() -> str:
    descriptor, path = tempfile.mkstemp(prefix="bench-said-")
    os.close(descriptor)
    return path


def _ask(request: dict[str, Any]) -> Any:
    """The answer of the waiting process, which the first request starts and the end of this one ends."""
    waiting = _waiting()
    assert waiting.stdin is not None
    assert waiting.stdout is not None
    waiting.stdin.write(json.dumps(request) + "\n")
    waiting.stdin.flush()
    line = waiting.stdout.readline()
    assert line, f"the process that waits has ended: {waiting.poll()}"
    return json.loads(line)


@cache
def _waiting() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.warm_start"],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def serve() -> dict[str, Any] | None:
    """Answer requests until there are no more; in the child of a start, the request that it is for."""
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        if "poll" in request:
            pid, status = os.waitpid(request["poll"], os.WNOHANG)
            _answer(os.waitstatus_to_exitcode(status) if pid else None)
            continue
        child = os.fork()
        if not child:
            return request
        _answer(child)
    return None


def _answer(value: int | None) -> None:
    sys.stdout.write(f"{json.dumps(value)}\n")
    sys.stdout.flush()


def become(request: dict[str, Any]) -> None:
    """What a fresh process of the command would be: folder, environment, streams and arguments."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.path[0] = request["cwd"]
    sys.modules["__main__"].__spec__ = find_spec("bench.__main__")  # which its workers are not to load
    streams = [(os.devnull, os.O_RDONLY), *((request[name], os.O_WRONLY) for name in ("stdout", "stderr"))]
    for descriptor, (path, flags) in enumerate(streams):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.argv = ["bench", *request["start"]]


if __name__ == "__main__":
    import bench.cli.sweep_job
    import bench.render.report
    import bench.render.terminal
    import bench.sweep.prepare  # noqa: F401 - what is loaded here need not be loaded again
    from bench.cli import main

    if (asked := serve()) is not None:
        become(asked)
        main()
