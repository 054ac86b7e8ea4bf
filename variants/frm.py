"""The feature refinement module. Wang et al., ICIP 2023, arXiv 2412.08670.

The class says what the paper fixes and what is a choice of this project.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from variants.context import build_context
from variants.layers import conv_bn_relu, spatial_size
from variants.spec import VariantSpec


class FeatureRefinement(nn.Module):
    """Pool the chosen stages to the size of F4, concatenate, refine with a context block.

    Paper: pooling to H/32 x W/32, concatenation, a transformer-style non-local block.
    Ours: average pooling, a 1x1 convolution to `module_width` after the concatenation, and the
    re-entry in F4's place at the top of the FPN. Where F4 is not among the fused stages it is
    concatenated to the refined map, so that the decoder never loses it.
    """

    def __init__(self, spec: VariantSpec, stage_channels: tuple[int, ...]) -> None:
        super().__init__()
        if spec.module_width is None:
            raise ValueError(f"{spec.name} has no module")
        self.stages = spec.fused_stages
        self.keeps_f4 = 4 not in spec.fused_stages
        fused = sum(stage_channels[stage - 1] for stage in spec.fused_stages)
        self.squeeze = conv_bn_relu(fused, spec.module_width, kernel=1)
        self.context = build_context(spec.context, spec.module_width, spec.context_options)
        self.out_channels = spec.module_width + (stage_channels[3] if self.keeps_f4 else 0)

    def forward(self, stages: list[Tensor]) -> Tensor:
        """F1..F4, each (N, C_i, H/2^(i+1), W/2^(i+1)) -> (N, out_channels, H/32, W/32)."""
        size = spatial_size(stages[3])
        pooled = [F.adaptive_avg_pool2d(stages[stage - 1], size) for stage in self.stages]
        refined: Tensor = self.context(self.squeeze(torch.cat(pooled, dim=1)))
        return torch.cat([refined, stages[3]], dim=1) if self.keeps_f4 else refined
