"""How worker processes start: forked by a server that has loaded torch once, or anew where the system has no fork."""

from __future__ import annotations

import multiprocessing
import os
import threading
from multiprocessing.context import ForkServerContext, SpawnContext

_announced: dict[str, None] = {}
_LOST_PARENT = 3


def announce(*modules: str) -> None:
    """Let the server load these modules too, whoever starts it.

    A process has one server, which loads what is known when its first worker starts; what a later worker needs beyond
    that, each such worker loads for itself.
    """
    _announced.update(dict.fromkeys(modules))


def worker_context(*modules: str) -> ForkServerContext | SpawnContext:
    """What starts workers that need these modules."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(dict.fromkeys((*_announced, *modules))))
    return context


def end_with_parent() -> None:
    """Let this worker end when the process that asked for it does, also by a kill."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(_LOST_PARENT)
