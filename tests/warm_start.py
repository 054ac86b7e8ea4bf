"""Start `bench` as processes that have loaded torch before: each is forked from one that waits, with its imports done.

What a test of kills costs is mostly the loading, in which there is nothing yet to lose. Each such process has a server
of workers of its own, forked from it for the same reason. Run as a module, this file is the process that waits.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from multiprocessing import forkserver, resource_tracker, util
from pathlib import Path
from typing import Any, cast

import psutil

PROJECT = Path(__file__).resolve().parent.parent
_LOOK_EVERY_S = 0.01


class WarmProcess:
    """A running `bench`, with the part of `subprocess.Popen` that tests of sweeps use."""

    def __init__(
        self,
        arguments: list[str],
        cwd: Path,
        env: dict[str, str],
        limits: Mapping[int, int] | None = None,
        namespaces_of: int | None = None,
    ) -> None:
        """limits: of `resource.setrlimit`, by its constants. namespaces_of: a process whose user and mounts it gets."""
        self._files = {name: _empty_file() for name in ("stdout", "stderr")}
        self._said: dict[str, str] = {}
        surroundings = {
            "cwd": str(cwd),
            "env": env,
            "limits": [*(limits or {}).items()],
            "namespaces_of": namespaces_of,
        }
        self.pid: int = _ask({"start": arguments, **surroundings, **self._files})
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


def loaded_bytes() -> int:
    """What a process has of private memory when it starts, as `RLIMIT_DATA` counts it."""
    _ask({"poll": None})  # it answers when all is loaded
    return int(psutil.Process(_waiting().pid).memory_info().data)


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
            pid, status = os.waitpid(request["poll"], os.WNOHANG) if request["poll"] else (0, 0)
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
    """What a fresh process of the command would be: folder, environment, limits, streams and arguments."""
    streams = [(os.devnull, os.O_RDONLY), *((request[name], os.O_WRONLY) for name in ("stdout", "stderr"))]
    for descriptor, (path, flags) in enumerate(streams):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    if request["namespaces_of"] is not None:
        _enter_namespaces(request["namespaces_of"])
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    for which, limit in request["limits"]:
        resource.setrlimit(which, (limit, limit))
    sys.path[:1] = [request["cwd"], *request["env"].get("PYTHONPATH", "").split(os.pathsep)]
    _look_for_packages_again()
    sys.modules["__main__"].__spec__ = find_spec("bench.__main__")  # which its workers are not to load
    sys.argv = ["bench", *request["start"]]
    start_server()


def _look_for_packages_again() -> None:
    """Forget what packages offered on the path before; one may be installed on this path."""
    from variants.backbones import BACKBONES
    from variants.context import CONTEXTS
    from variants.networks import NETWORKS

    for registry in (BACKBONES, CONTEXTS, NETWORKS):
        registry.broken.clear()
        vars(registry).pop("_all", None)


def _enter_namespaces(pid: int) -> None:
    """As `nsenter --user --mount` does, for which a process must have one thread, as one that was forked has."""
    libc = ctypes.CDLL(None, use_errno=True)
    for kind in ("user", "mnt"):
        with Path(f"/proc/{pid}/ns/{kind}").open() as file:
            if libc.setns(file.fileno(), 0):
                raise OSError(ctypes.get_errno(), f"cannot enter the {kind} namespace of {pid}")


def start_server() -> None:
    """Start the server of this process's workers before it asks for one, forked instead of loading everything again."""
    resource_tracker.ensure_running()
    spawn = util.spawnv_passfds
    util.spawnv_passfds = cast(Any, _fork_with_imports)
    try:
        forkserver.ensure_running()
    finally:
        util.spawnv_passfds = spawn


def _fork_with_imports(path: bytes, arguments: Sequence[str], passed: Sequence[int]) -> int:
    """Run `python -c TEXT` with these open files, as `spawnv_passfds` does, in a copy of this process."""
    if pid := os.fork():
        return pid
    code = 1
    try:
        kept = sorted({0, 1, 2, *passed})
        for low, high in zip(kept, [*kept[1:], os.sysconf("SC_OPEN_MAX")], strict=True):
            os.closerange(low + 1, high)
        exec(arguments[-1], {})
    except SystemExit:
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    import bench.render.sweep.report
    import bench.render.sweep.terminal
    import bench.sweep.job
    import bench.sweep.measure
    import bench.sweep.prepare  # noqa: F401 - what is loaded here need not be loaded again
    from bench.cli import main
    from variants.check import check_variants
    from variants.names import parse_name

    tiny = (f"{backbone}+frm34-dnl-w16+fpn8-head8" for backbone in ("mobilenetv3_small_050", "lcnet_050"))
    check_variants(map(parse_name, tiny))  # a process looks at each backbone once, and these are in all spaces of tests
    gc.collect()
    gc.freeze()  # a collection in a fork would copy all that it looks at
    atexit.register(gc.unfreeze)
    if (asked := serve()) is not None:
        become(asked)
        main()
