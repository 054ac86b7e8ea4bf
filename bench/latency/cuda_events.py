"""How long a GPU itself takes for a pass: between two events on its stream."""

from __future__ import annotations

from collections.abc import Callable

import torch

_PASSES = 16


def event_milliseconds(run: Callable[[], object]) -> list[float]:
    """Of some passes, each waited for. From the wall clock they differ by what the host does before and after the GPU.

    Raises:
        RuntimeError: there is no CUDA device.
    """
    found = []
    for _ in range(_PASSES):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        start.record()
        run()
        end.record()
        end.synchronize()
        found.append(float(start.elapsed_time(end)))
    return found
