"""Audit many variants: every counter of every variant in a process of its own."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import cast

from bench.cost.audit.compare import Audited
from bench.cost.audit.counters import COUNTERS, OURS, Count
from bench.cost.audit.reading import Failure, Reading
from bench.errors import describe_failure
from bench.system.fork_server import worker_context
from variants.spec import VariantSpec


def audit(
    specs: Sequence[VariantSpec],
    classes: int,
    size: tuple[int, int],
    workers: int,
    counters: Mapping[str, Count] = COUNTERS,
) -> Iterator[Audited]:
    """Count every spec at a size (width, height) with every counter, `workers` processes at a time.

    In the order of the specs. A counter that fails or dies says so in its place, and the others go on.
    """
    with ThreadPoolExecutor(workers) as pool:
        try:
            jobs = [
                {name: pool.submit(_count_apart, name, count, spec, classes, size) for name, count in counters.items()}
                for spec in specs
            ]
            for spec, of_spec in zip(specs, jobs, strict=True):
                yield _audited(spec, of_spec)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _audited(spec: VariantSpec, jobs: dict[str, Future[Reading | Failure]]) -> Audited:
    found = {name: job.result() for name, job in jobs.items()}
    return Audited(spec.name, found.pop(OURS), tuple(found.values()))


def _count_apart(name: str, count: Count, spec: VariantSpec, classes: int, size: tuple[int, int]) -> Reading | Failure:
    """Count in a fresh process, so that nothing that a counter leaves behind reaches another count."""
    context = worker_context("bench.cost.audit.preload")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_count_here, args=(sender, count, spec, classes, size), daemon=True)
    process.start()
    sender.close()
    try:
        found = cast(Reading | str, receiver.recv())
    except EOFError:
        process.join()
        return Failure(name, _death(process.exitcode))
    finally:
        receiver.close()
    process.join()
    return Failure(name, found) if isinstance(found, str) else found


def _count_here(sender: Connection, count: Count, spec: VariantSpec, classes: int, size: tuple[int, int]) -> None:
    """In the fresh process: send the reading, or the reason why there is none."""
    import torch

    torch.set_num_threads(1)
    try:
        sender.send(count(spec, classes, size))
    except Exception as error:
        sender.send(describe_failure(error))


def _death(code: int | None) -> str:
    if code is None or code >= 0:
        return f"its process ended with exit code {code} before it had a figure"
    name = signal.Signals(-code).name
    memory = ": perhaps for lack of memory, try a smaller --size" if name == "SIGKILL" else ""
    return f"its process was ended by {name}{memory}"
