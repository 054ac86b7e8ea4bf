"""Which activations are in memory: a storage lives from the operator that fills it until nothing refers to it."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import cast

from torch import Tensor


class LiveMemory:
    """Bytes of the storages that are held now. Views share theirs; weights do not count.

    It follows Python's own references, hence what eager PyTorch holds: not less, as a planner might reach, and
    without what a kernel borrows while it runs.
    """

    def __init__(self, weights: Iterable[Tensor]) -> None:
        self.live_bytes = 0
        self.weights = {storage_of(x) for x in weights}
        self._held: dict[int, _Held] = {}

    def hold(self, tensor: Tensor, at: int) -> None:
        """Take in the storage of a tensor, once, until it is freed; `at`: the operation that filled it."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if not size or key in self._held or key in self.weights:
            return
        self.live_bytes += size
        self._held[key] = _Held(weakref.ref(storage, partial(self._release, key, size)), at, size)

    def kept(self, given: Iterable[Tensor]) -> list[tuple[int, int]]:
        """Of what is held now and not by the tensors that are given: the operation that filled it, and its bytes."""
        known = {storage_of(x) for x in given}
        return [(held.at, held.size) for key, held in self._held.items() if key not in known]

    def _release(self, key: int, size: int, _: object) -> None:
        self.live_bytes -= size
        del self._held[key]


def storage_of(tensor: Tensor) -> int:
    """What a tensor has in common with its views, and with nothing else while it lives."""
    return cast(int, tensor.untyped_storage()._cdata)


@dataclass(frozen=True)
class _Held:
    storage: weakref.ref[object]
    at: int
    size: int
