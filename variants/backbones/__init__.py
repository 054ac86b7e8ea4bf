"""Backbones: anything that gives four stages at strides 4, 8, 16 and 32."""

from variants.backbones.timm_adapter import Backbone, build_backbone, check_backbone
from variants.backbones.weights import load_backbone_weights, weights_fingerprint

__all__ = [
    "Backbone",
    "build_backbone",
    "check_backbone",
    "load_backbone_weights",
    "weights_fingerprint",
]
