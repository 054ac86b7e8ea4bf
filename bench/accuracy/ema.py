"""The moving average of a network's weights over a training: what is evaluated in place of the last step's."""

from __future__ import annotations

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

Tensors = tuple[Tensor, ...] | list[Tensor]


def make_average(net: nn.Module, decay: float) -> AveragedModel:
    """An average that starts as `net`, and follows with each `update_parameters(net)`.

    The decay grows with the steps, min(decay, (1 + t) / (10 + t)), so that a short training forgets its start (as in
    TensorFlow's ExponentialMovingAverage). Statistics of batch norms are averaged too.
    """

    def average(kept: Tensors, new: Tensors, updates: Tensor | int) -> None:
        if kept[0].is_floating_point():  # all tensors of a call are of one type
            get_ema_multi_avg_fn(min(decay, (1 + int(updates)) / (10 + int(updates))))(kept, new, updates)  # type: ignore[no-untyped-call]
            return
        for old, now in zip(kept, new, strict=True):
            old.copy_(now)

    return AveragedModel(net, multi_avg_fn=average, use_buffers=True)
