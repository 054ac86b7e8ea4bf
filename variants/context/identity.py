"""No context: the fused map as it is. The control that shows what a context block adds."""

from torch import nn


class NoContext(nn.Identity):
    """(N, C, H, W) -> the same map."""

    def __init__(self, width: int) -> None:
        super().__init__()
