"""A backbone without its work: gives maps laid out in memory as those of a backbone that was followed before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.cost.figures import Weights
from bench.cost.trace import Operation
from variants.backbones.contract import Backbone


@dataclass(frozen=True, kw_only=True)
class StageLayout:
    """One stage in memory. storage: which of the stages' storages holds it, several may share one."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    dtype: torch.dtype
    storage: int
    storage_bytes: int


def layouts_of(stages: Sequence[Tensor]) -> list[StageLayout]:
    """How the stages that a backbone gave lie in memory."""
    storages = list(dict.fromkeys(stage.untyped_storage()._cdata for stage in stages))
    return [
        StageLayout(
            shape=tuple(stage.shape),
            stride=stage.stride(),
            offset=int(stage.storage_offset()),
            dtype=stage.dtype,
            storage=storages.index(stage.untyped_storage()._cdata),
            storage_bytes=stage.untyped_storage().nbytes(),
        )
        for stage in stages
    ]


@dataclass(frozen=True, kw_only=True)
class CountedBackbone:
    """What is known of a backbone that was followed once: all operations up to its end, weights and maps.

    weights: by the operator that reads them first.
    """

    channels: tuple[int, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    operations: tuple[Operation, ...]
    weights: dict[str, Weights]
    stages: tuple[StageLayout, ...]


class StandIn(Backbone):
    """Reserves the maps of a counted backbone, on the device of the image, and computes nothing."""

    def __init__(self, counted: CountedBackbone) -> None:
        super().__init__(counted.channels, counted.mean, counted.std)
        self.counted = counted

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, 3, H, W) -> F1..F4 as they were, whatever the image."""
        storages: dict[int, Tensor] = {}
        for stage in self.counted.stages:
            if stage.storage not in storages:
                numel = stage.storage_bytes // stage.dtype.itemsize
                storages[stage.storage] = torch.empty(numel, dtype=stage.dtype, device=image.device)
        return [
            storages[stage.storage].as_strided(stage.shape, stage.stride, stage.offset) for stage in self.counted.stages
        ]
