"""Count many variants, in processes side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from bench.cost.count import VariantCounter
from bench.cost.figures import Cost
from bench.errors import UserError, describe_failure
from bench.system.fork_server import worker_context
from variants.errors import VariantError
from variants.spec import VariantSpec

_CHUNK = 50
"""Variants that a process counts before it is heard of."""
_POOL_FROM = 24
"""Variants from which starting processes pays."""


@dataclass(frozen=True)
class Counted:
    """A spec with its cost, or with the reason why there is none."""

    spec: VariantSpec
    cost: Cost | None
    reason: str = ""


def count_specs(specs: Sequence[VariantSpec], classes: int, size: tuple[int, int], workers: int) -> Iterator[Counted]:
    """Count every spec at a size (width, height); as they end, which is not their order.

    Variants of one backbone stay together, since a process follows each backbone once.

    Raises:
        UserError: a process was ended from outside.
    """
    ordered = sorted(specs, key=lambda spec: str(spec.backbone))
    chunks = [ordered[i : i + _CHUNK] for i in range(0, len(ordered), _CHUNK)]
    if workers == 1 or len(ordered) < _POOL_FROM:
        counter = VariantCounter(classes, *size)
        yield from (_count(counter, spec) for spec in ordered)
        return
    pool = ProcessPoolExecutor(
        workers, mp_context=worker_context(__name__), initializer=_start, initargs=(classes, size)
    )
    try:
        for done in as_completed([pool.submit(_count_chunk, chunk) for chunk in chunks]):
            yield from done.result()
    except BrokenProcessPool:
        raise UserError(
            "a counting process was ended from outside, perhaps for lack of memory. Run it again."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


CountSpecs = Callable[[Sequence[VariantSpec], int, tuple[int, int]], Iterable[Counted]]
"""(specs, classes, size) -> all of them counted, in any order."""


def count_alone(specs: Sequence[VariantSpec], classes: int, size: tuple[int, int]) -> Iterator[Counted]:
    """Count in this process."""
    return count_specs(specs, classes, size, workers=1)


_counter: VariantCounter | None = None
"""Of a worker process, which keeps its backbones from chunk to chunk."""


def _start(classes: int, size: tuple[int, int]) -> None:
    import torch

    global _counter  # noqa: PLW0603 - a process's own
    torch.set_num_threads(1)
    _counter = VariantCounter(classes, *size)


def _count_chunk(specs: list[VariantSpec]) -> list[Counted]:
    assert _counter is not None
    return [_count(_counter, spec) for spec in specs]


def _count(counter: VariantCounter, spec: VariantSpec) -> Counted:
    """A variant that cannot be counted ends no other's count."""
    try:
        return Counted(spec, counter.count(spec))
    except VariantError as error:
        return Counted(spec, None, str(error))
    except (Exception, SystemExit) as error:  # a network that ends the process ends no guard
        return Counted(spec, None, describe_failure(error))
