"""A network's passes through torch.compile, for a training."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def compiled_passes(net: nn.Module, device: str) -> Callable[[Tensor], Tensor]:
    """The network, compiled at its first batch; its weights stay those of `net`.

    What a process compiled before is forgotten: after eight graphs torch would run the next ones in eager, without a
    word.
    """
    from torch._inductor import config as inductor

    if device == "cpu":
        inductor.compile_threads = 1  # in this process: others train beside it
    torch._dynamo.reset()
    passes: Callable[[Tensor], Tensor] = torch.compile(net, dynamic=False)
    return passes
