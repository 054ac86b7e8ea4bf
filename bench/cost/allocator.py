"""Peak memory as torch's allocator saw it in a real pass, to check what liveness says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import nn
from torch._C._profiler import _EventType
from torch.profiler import ProfilerActivity, profile

from bench.cost.count import count_cost
from variants.network import build
from variants.spec import VariantSpec

_COMPOSITE = torch._C._dispatch_has_kernel_for_dispatch_key
_EXISTS = torch._C._dispatch_has_kernel


@dataclass(frozen=True, kw_only=True)
class MemoryCheck:
    """Peak memory of one float32 pass, in bytes: by liveness, and as the allocator saw it.

    estimated: `Cost.peak`. activations: the allocator's peak of what outlives the operator that reserved it.
    with_scratch: the allocator's peak of all, with what kernels borrow while they run.
    """

    variant: str
    estimated: int
    activations: int
    with_scratch: int

    @property
    def error(self) -> float:
        """(estimated - activations) / activations."""
        return self.estimated / self.activations - 1

    @property
    def scratch_share(self) -> float:
        """How much higher the peak is with what kernels borrow."""
        return self.with_scratch / self.activations - 1


def check_memory(spec: VariantSpec, classes: int, width: int, height: int) -> MemoryCheck:
    """Run one image of `width` x `height` pixels on the CPU and compare.

    Raises:
        VariantError: the network cannot be built.
    """
    net = build(spec, classes).eval()
    activations, with_scratch = allocated_peaks(net, width, height)
    return MemoryCheck(
        variant=spec.name,
        estimated=count_cost(net, width, height).peak.live_bytes,
        activations=activations,
        with_scratch=with_scratch,
    )


def allocated_peaks(net: nn.Module, width: int, height: int) -> tuple[int, int]:
    """Peaks of the allocator in one pass on the CPU, in bytes: without and with what lives within one operator."""
    _run(net, width, height)  # what is kept from pass to pass, such as packed weights, is there now
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        output = _run(net, width, height)
    kineto = profiler.profiler.kineto_results
    changes = list(_changes(kineto.experimental_event_tree()))
    del output
    return _peak(change for change in changes if not change.scratch), _peak(iter(changes))


@dataclass
class _Change:
    """Bytes reserved (above 0) or freed (below), in order of time; scratch: reserved and freed by one operator."""

    time: int
    size: int
    scratch: bool = False


def _changes(roots: list[Any]) -> Iterator[_Change]:
    """All changes of the profiler's tree, in order. What was reserved before the pass is not in it."""
    found = sorted(_allocations(roots, None), key=lambda item: item[0].start_time_ns)
    reserved: dict[int, tuple[_Change, Any]] = {}
    changes = []
    for event, operator in found:
        size, place = event.extra_fields.alloc_size, event.extra_fields.ptr
        change = _Change(event.start_time_ns, size)
        if size > 0:
            reserved[place] = (change, operator)
        elif place in reserved:
            first, by = reserved.pop(place)
            first.scratch = change.scratch = by is not None and by is operator
        else:
            continue
        changes.append(change)
    yield from changes


def _allocations(events: list[Any], operator: Any) -> Iterator[tuple[Any, Any]]:
    """Every allocation with the outermost operator that made it, of those that torch does not take apart itself."""
    for event in events:
        if event.typed[0] == _EventType.Allocation:
            yield event, operator
        inside = operator
        if inside is None and event.typed[0] == _EventType.TorchOp and not _is_taken_apart(event.name):
            inside = event
        yield from _allocations(event.children, inside)


@lru_cache
def _is_taken_apart(name: str) -> bool:
    """Whether an operator such as `aten::matmul` is others, one after the other, as the dispatcher sees it."""
    space, _, bare = name.partition("::")
    packet = getattr(getattr(torch.ops, space, None), bare, None)
    overloads = packet.overloads() if packet is not None else []
    names = [name if overload == "default" else f"{name}.{overload}" for overload in overloads]
    kernels = [_COMPOSITE(known, "CompositeImplicitAutograd") for known in names if _EXISTS(known)]
    return bool(kernels) and all(kernels)


def _peak(changes: Iterator[_Change]) -> int:
    held = most = 0
    for change in changes:
        held += change.size
        most = max(most, held)
    return most


def _run(net: nn.Module, width: int, height: int) -> torch.Tensor:
    image = torch.zeros(1, 3, height, width)
    with torch.no_grad():
        output: torch.Tensor = net(image)
    return output
