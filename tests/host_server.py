"""A process that has loaded torch and timm, and forks hosts that need not load them again. Run by path, with a socket.

It loads no file of a project, so that a host takes all of its own, as a fresh one does.
"""

from __future__ import annotations

import json
import os
import runpy
import socket
import sys
from pathlib import Path

import timm  # noqa: F401 - loaded here once for all
import torch  # noqa: F401
import torchvision  # noqa: F401

_REQUEST_BYTES = 65536


def serve(asked: socket.socket) -> None:
    """Answer each request in JSON: the arguments of a script to fork for, with its streams; a process to wait for."""
    while True:
        line, streams, _, _ = socket.recv_fds(asked, _REQUEST_BYTES, 3)
        if not line:
            return
        request = json.loads(line)
        if "script" in request:
            child = os.fork()
            if not child:
                asked.close()
                _become(request["script"], streams)
            for stream in streams:
                os.close(stream)
            answer: int | None = child
        else:
            ended, status = os.waitpid(request["wait"], 0 if request["to_its_end"] else os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if ended else None
        asked.sendall(json.dumps(answer).encode())


def _become(script: list[str], streams: list[int]) -> None:
    """What `python SCRIPT` would be; it ends without this process's clean-up."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.argv = script
    sys.path[0] = str(Path(script[0]).parent)
    code = 1
    try:
        runpy.run_path(script[0], run_name="__main__")
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
