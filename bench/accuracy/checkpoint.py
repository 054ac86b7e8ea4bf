"""Where a training stands, on the disk: whole or not at all, so that a kill costs seconds and changes no weight."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from bench.storage.atomic_files import clear_beside, replacing

_SHARE = 0.01
"""Of a training's time that its checkpoints may take."""
_LEAST_S, _MOST_S = 1.0, 60.0
"""Between two of them: the first is what a kill costs a small network, the second bounds it for a slow disk."""


@dataclass(kw_only=True)
class Checkpoint:
    """One file. every_s: seconds between two writes, at least; None goes by what a write takes."""

    path: Path
    every_s: float | None = None
    _written: float = field(default_factory=time.monotonic)
    _took: float = 0.0

    def load(self) -> dict[str, Any] | None:
        """The last state; None where there is none, or no file that this torch reads."""
        if not self.path.is_file():
            return None
        try:
            state: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception:  # a file that is cut off or another program's raises many
            return None  # the training starts anew, which costs time and nothing else
        return state

    def offer(self, state: Callable[[], dict[str, Any]]) -> None:
        """Write the state, if the last time is long enough ago."""
        now = time.monotonic()
        if now - self._written >= self._pause_s():
            self.write(state())
            self._took = time.monotonic() - now

    def write(self, state: dict[str, Any]) -> None:
        """Write the state durably, in place of the one before.

        Raises:
            DiskError: the disk is full or the folder cannot be written; the one before is whole.
        """
        packed = BytesIO()
        torch.save(state, packed)
        with replacing(self.path) as new:
            new.write_bytes(packed.getbuffer())
        self._written = time.monotonic()

    def remove(self) -> None:
        """The training has ended: nothing of it stays, nor of a write that a kill cut off."""
        self.path.unlink(missing_ok=True)
        clear_beside(self.path)

    def _pause_s(self) -> float:
        return min(max(self._took / _SHARE, _LEAST_S), _MOST_S) if self.every_s is None else self.every_s
