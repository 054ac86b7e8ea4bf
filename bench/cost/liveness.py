"""Which activations are in memory: a storage lives from the operator that fills it until nothing refers to it."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from functools import partial

from torch import Tensor


class LiveMemory:
    """Bytes of the storages that are held now. Views share theirs; weights do not count.

    It follows Python's own references, hence what eager PyTorch holds: not less, as a planner might reach, and
    without what a kernel borrows while it runs.
    """

    def __init__(self, weights: Iterable[Tensor]) -> None:
        self.live_bytes = 0
        self._weights = {x.untyped_storage()._cdata for x in weights}
        self._held: dict[int, weakref.ref[object]] = {}

    def hold(self, tensor: Tensor) -> None:
        """Take in the storage of a tensor, once, until it is freed."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if not size or key in self._held or key in self._weights:
            return
        self.live_bytes += size
        self._held[key] = weakref.ref(storage, partial(self._release, key, size))

    def _release(self, key: int, size: int, _: object) -> None:
        self.live_bytes -= size
        del self._held[key]
