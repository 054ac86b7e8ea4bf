"""The feature refinement module. Wang et al., ICIP 2023, arXiv 2412.08670.

The class says what the paper fixes and what is a choice of this project.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from variants.context import build_context
from variants.errors import VariantError
from variants.fusion import ConcatFusion, SumFusion, Unify
from variants.layers import spatial_size
from variants.spec import STAGE_STRIDES, VariantSpec

_KERNEL = {"none": 0, "1x1": 1, "3x3": 3}


class FeatureRefinement(nn.Module):
    """Bring the chosen stages to one size, fuse them, refine with a context block, hand back.

    Paper: F1 to F4 pooled to H/32 x W/32, concatenated, a transformer-style disentangled non-local block.
    Ours: the axes. By default average pooling, a 1x1 convolution to `module_width` after the
    concatenation, and re-entry in F4's place at the top of the FPN. Where F4 is not among the fused
    stages it is concatenated to the refined map, so that the decoder never loses it.
    """

    def __init__(self, spec: VariantSpec, stage_channels: tuple[int, ...]) -> None:
        super().__init__()
        if not spec.fused_stages or spec.target_stride is None or spec.context is None:
            raise ValueError(f"{spec.name} has no module")
        self.stages = spec.fused_stages
        self.target = STAGE_STRIDES.index(spec.target_stride)
        self.at_top = spec.reenter == "top"
        self.keeps_f4 = self.at_top and 4 not in spec.fused_stages
        self.width = module_width(spec, stage_channels)
        self.unify = nn.ModuleList(
            Unify(spec.unify or "avg", stage_channels[stage - 1], self.target - (stage - 1)) for stage in self.stages
        )
        self.fuse = _fusion(spec, [stage_channels[stage - 1] for stage in self.stages], self.width)
        self.context = build_context(spec.context, self.width, spec.context_options)
        self.top_channels = self.width + (stage_channels[3] if self.keeps_f4 else 0) if self.at_top else None
        """Channels of the map that takes F4's place; None where it re-enters at every level."""

    def forward(self, stages: list[Tensor]) -> Tensor:
        """F1..F4, each (N, C_i, h_i, w_i) -> the refined map (N, width, h, w) at the target stride."""
        size = spatial_size(stages[self.target])
        maps = [unify(stages[stage - 1], size) for unify, stage in zip(self.unify, self.stages, strict=True)]
        refined: Tensor = self.context(self.fuse(maps))
        return refined

    def top(self, refined: Tensor, f4: Tensor) -> Tensor:
        """What takes F4's place, (N, top_channels, h_4, w_4): a map at a finer stride is pooled to 1/32."""
        if spatial_size(refined) != spatial_size(f4):
            refined = F.adaptive_avg_pool2d(refined, spatial_size(f4))
        return torch.cat([refined, f4], dim=1) if self.keeps_f4 else refined


def module_width(spec: VariantSpec, stage_channels: tuple[int, ...]) -> int:
    """Channels of the map that the context block refines.

    A multiple (`x0.5`) is of the fused stages' channels together, rounded to a multiple of 8 that the
    heads divide. A concatenation without convolution keeps all of those channels.

    Raises:
        VariantError: the heads do not divide the channels of a concatenation without convolution.
    """
    together = sum(stage_channels[stage - 1] for stage in spec.fused_stages or ())
    heads = int(spec.context_options.get("transformer_heads", 1))  # type: ignore[arg-type]
    if isinstance(spec.module_width, int):
        return spec.module_width
    if spec.module_width is None:
        if together % heads:
            raise VariantError(
                f"{spec.name}: the {together} channels of the fused stages are not a multiple of transformer_heads "
                f"{heads}. Give a module_width and fusion_conv 1x1, or other heads."
            )
        return together
    step = math.lcm(8, heads)
    return max(step, round(float(spec.module_width[1:]) * together / step) * step)


def _fusion(spec: VariantSpec, channels: list[int], width: int) -> nn.Module:
    kernel = _KERNEL[spec.fusion_conv or "none"]
    if spec.fuse in ("sum", "gated"):
        return SumFusion(channels, width, kernel, gated=spec.fuse == "gated")
    return ConcatFusion(channels, width, kernel)
