"""Where a training stands, on the disk: whole or not at all, so that a kill costs minutes and changes no weight."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from bench.beside import clear_beside, new_beside

_EVERY_S = 60.0


@dataclass
class Checkpoint:
    """One file. every_s: seconds between two writes, at least."""

    path: Path
    every_s: float = _EVERY_S
    _written: float = field(default_factory=time.monotonic)

    def load(self) -> dict[str, Any] | None:
        """The last state; None where there is none, or it is not of this version of torch's files."""
        if not self.path.is_file():
            return None
        try:
            state: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, OSError, ValueError, KeyError):
            return None  # the training starts anew, which costs time and nothing else
        return state

    def offer(self, state: Callable[[], dict[str, Any]]) -> None:
        """Write the state, if the last time is long enough ago."""
        if time.monotonic() - self._written >= self.every_s:
            self.write(state())

    def write(self, state: dict[str, Any]) -> None:
        """Write the state durably, in place of the one before.

        Raises:
            OSError: the disk is full; the one before is whole.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = new_beside(self.path)
        with new.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)
        self._written = time.monotonic()

    def remove(self) -> None:
        """The training has ended."""
        self.path.unlink(missing_ok=True)
        clear_beside(self.path)
