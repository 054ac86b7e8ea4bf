"""The three counters by name, each from a spec to its reading."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from bench.cost.audit.reading import Reading
from variants.spec import VariantSpec

Count = Callable[[VariantSpec, int, tuple[int, int]], Reading]
"""(spec, classes, size as width and height) -> what the counter finds. Found by its name, since it runs elsewhere."""
OURS = "ours"


def count_ours(spec: VariantSpec, classes: int, size: tuple[int, int]) -> Reading:
    """Count by our own engine, on the meta device."""
    from bench.cost.audit.ours import read
    from bench.cost.count import count_variant

    return read(count_variant(spec, classes, *size))


def count_fvcore(spec: VariantSpec, classes: int, size: tuple[int, int]) -> Reading:
    """Count by fvcore, on real tensors."""
    from bench.cost.audit.fvcore_counter import read

    return read(_built(spec, classes), *size)


def count_ptflops(spec: VariantSpec, classes: int, size: tuple[int, int]) -> Reading:
    """Count by ptflops, on real tensors."""
    from bench.cost.audit.ptflops_counter import read

    return read(_built(spec, classes), *size)


COUNTERS: dict[str, Count] = {OURS: count_ours, "fvcore": count_fvcore, "ptflops": count_ptflops}


def _built(spec: VariantSpec, classes: int) -> nn.Module:
    from variants.network import build

    torch.manual_seed(0)
    return build(spec, classes).eval()
