"""In which precision a device trains fastest without another loss: bfloat16 where it multiplies that in hardware."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

TrainPrecision = Literal["float32", "bfloat16"]


def fastest_precision(device: str) -> TrainPrecision:
    """bfloat16 on processors with AMX or AVX512-BF16 and on GPUs that have it, float32 elsewhere."""
    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    has_it = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return "bfloat16" if has_it else "float32"


def autocast(device: str, precision: TrainPrecision) -> AbstractContextManager[object]:
    """Forward passes inside run in the precision; weights, losses and the optimizer stay in float32."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device, dtype=torch.bfloat16)
