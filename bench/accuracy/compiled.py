"""A network's passes through torch.compile, for a training."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def compiled_passes(passes: Callable[[Tensor], Tensor], device: str) -> Callable[[Tensor], Tensor]:
    """The passes of a network, compiled at its first batch; its weights stay its own.

    What a process compiled before is forgotten: after eight graphs torch would run the next ones in eager, without a
    word.
    """
    from torch._inductor import config as inductor

    if device == "cpu":
        inductor.compile_threads = 1  # in this process: others train beside it
    torch._dynamo.reset()
    compiled: Callable[[Tensor], Tensor] = torch.compile(passes, dynamic=False)
    return compiled
