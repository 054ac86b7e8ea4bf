"""Trained weights below results/: so that the network that is timed is the one that gave the mIoU."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.storage.atomic_files import cannot_write, replacing

if TYPE_CHECKING:
    from torch import nn

    from bench.accuracy.checkpoint import Checkpoint

_FOLDER = "weights"


@dataclass(frozen=True)
class TrainedWeights:
    """The weights that trainings of a sweep left in `results/<sweep>/weights/`, by the key of the accuracy record."""

    results: Path
    sweep: str

    def checkpoint(self, key: str) -> Checkpoint:
        """Where the training of an accuracy stands."""
        from bench.accuracy.checkpoint import Checkpoint  # loads torch, which who names the file need not

        return Checkpoint(path=self._path(key).with_suffix(".checkpoint"))

    def find(self, key: str) -> Path | None:
        """The file of a training, of this sweep or of another; None where there is none."""
        own = self._path(key)
        found = [own] if own.is_file() else sorted(self.results.glob(f"*/{_FOLDER}/{own.name}"))
        return found[0] if found else None

    def save(self, key: str, net: nn.Module) -> None:
        """Keep the weights of `net`, whole or not at all.

        Raises:
            DiskError: the disk is full or the folder cannot be written.
        """
        from safetensors import SafetensorError
        from safetensors.torch import save_model

        path = self._path(key)
        with replacing(path) as new:
            try:
                save_model(net, str(new))
            except SafetensorError as error:  # what a failed write is to it
                raise cannot_write(path, str(error)) from None

    def load(self, key: str, net: nn.Module) -> bool:
        """Load the weights of a training into `net`; False where there are none, and `net` is left as it is.

        Raises:
            ValueError: the file does not fit, or is broken.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_model

        path = self.find(key)
        if path is None:
            return False
        try:
            load_model(net, str(path))
        except (RuntimeError, SafetensorError) as error:
            raise ValueError(f"{path} is broken or of another network, delete it: {error}") from None
        return True

    def _path(self, key: str) -> Path:
        return self.results / self.sweep / _FOLDER / f"{key}.safetensors"
