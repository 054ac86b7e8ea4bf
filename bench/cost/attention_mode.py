"""Another function in the place of torch's attention, wherever Python code calls it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

_ATTENTION = F.scaled_dot_product_attention


class AttentionMode(TorchFunctionMode):
    """Within it, `attend` runs where `F.scaled_dot_product_attention` would.

    Torch's own attention layer runs with this mode switched off, as all that a mode lets through does; there the
    function itself is exchanged for as long as the layer runs.
    """

    def attend(self, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """The arguments are those of `F.scaled_dot_product_attention`."""
        raise NotImplementedError

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is _ATTENTION:
            return self.attend(*args, **kwargs)
        if func is F.multi_head_attention_forward:
            with self._exchanged():
                return func(*args, **kwargs)
        return func(*args, **kwargs)

    @contextmanager
    def _exchanged(self) -> Iterator[None]:
        F.scaled_dot_product_attention = self.attend
        try:
            yield
        finally:
            F.scaled_dot_product_attention = _ATTENTION


def torchs_attention(*args: Any, **kwargs: Any) -> Tensor:
    """Torch's own, whatever stands in its place."""
    output: Tensor = _ATTENTION(*args, **kwargs)
    return output
