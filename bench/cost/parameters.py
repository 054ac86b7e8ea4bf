"""Parameters."""

from torch import nn


def count_parameters(net: nn.Module) -> int:
    """Learned numbers of a network; buffers (batch-norm statistics) do not count."""
    return sum(p.numel() for p in net.parameters())
