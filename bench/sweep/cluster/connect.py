"""Join a Ray cluster, or start one of this machine alone: without its chatter, without usage statistics."""

from __future__ import annotations

import logging
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray._private.services import canonicalize_bootstrap_address

from bench.errors import UserError, describe_failure
from bench.system.machine import machine_facts

_ANSWER_S = 5.0
_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
_HOW = "`ray start --head` starts a cluster, `ray start --address=HEAD:6379` on this machine joins it"


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Be a driver of the cluster while the block runs; its tasks end with it.

    Args:
        address: `HOST:PORT`; "auto" for the cluster of this machine's node; None starts one of this machine alone.

    Raises:
        UserError: no cluster answers there, or this machine is none of its nodes.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if address is not None:
        _refuse_silence(address)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions to come
            if address is None:
                own: dict[str, Any] = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
                ray.init(address="local", num_cpus=machine_facts()["cores"], **own, **_QUIET)
            else:
                ray.init(address=address, **_QUIET)
    except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
        where = f"join the Ray cluster at {address}" if address else "start Ray on this machine"
        raise UserError(f"cannot {where}: {describe_failure(error)}. {_HOW}.") from None
    try:
        yield
    finally:
        ray.shutdown()


def _refuse_silence(address: str) -> None:
    """Ask the port first: Ray itself tries for minutes."""
    if "://" in address:
        raise UserError(f"{address} is no address of a node: pass HOST:PORT, from a machine of the cluster. {_HOW}.")
    try:
        found = canonicalize_bootstrap_address(address) or ""
        host, _, port = found.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_S).close()
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"no Ray cluster answers at {address}: {reason}. {_HOW}.") from None
