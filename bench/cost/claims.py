"""Published costs, recomputed: claimed and computed side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial

import torch
from torch import nn

from bench.cost.parameters import count_parameters
from bench.cost.trace import trace
from variants.backbones import BACKBONES, build_backbone
from variants.claims import Claim
from variants.names import parse_name
from variants.network import build
from variants.networks import NETWORKS
from variants.presets import PRESETS


@dataclass(frozen=True)
class CheckedClaim:
    """One published number with ours, in its unit (G multiply-adds or M parameters)."""

    name: str
    claim: Claim
    computed: float

    @property
    def difference(self) -> float:
        """(computed - claimed) / claimed."""
        return self.computed / self.claim.value - 1

    @property
    def met(self) -> bool:
        """Whether the difference is within the claim's tolerance."""
        return abs(self.difference) <= self.claim.tolerance


def check_claims() -> Iterator[CheckedClaim]:
    """Recompute what is published about every preset, network and backbone here, on the meta device."""
    for preset in PRESETS:
        yield from _checked(preset, PRESETS[preset].claims, partial(_network, preset))
    for network in NETWORKS:
        yield from _checked(network, NETWORKS[network].claims, partial(_network, network))
    for backbone in BACKBONES:
        yield from _checked(backbone, BACKBONES[backbone].claims, partial(_backbone, backbone))


def _backbone(name: str, classes: int) -> nn.Module:
    return build_backbone(name)


def _network(name: str, classes: int) -> nn.Module:
    return build(parse_name(name), classes)


def _checked(name: str, claims: tuple[Claim, ...], make: Callable[[int], nn.Module]) -> Iterator[CheckedClaim]:
    @lru_cache
    def on_meta(classes: int) -> nn.Module:
        with torch.device("meta"):
            return make(classes)

    for claim in claims:
        net = on_meta(claim.classes)
        if claim.metric == "parameters_m":
            yield CheckedClaim(name, claim, count_parameters(net) / 1e6)
        else:
            yield CheckedClaim(name, claim, trace(net, *claim.size).macs / 1e9)
