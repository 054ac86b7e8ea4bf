"""Cited designs by name, with what was published about them."""

from __future__ import annotations

from dataclasses import dataclass

from variants.claims import Claim


@dataclass(frozen=True)
class Preset:
    """A spec by its name, what is claimed about it, and how sure it is that the claim is about it."""

    variant: str
    claims: tuple[Claim, ...]
    note: str


_HEADLINE = "arXiv 2412.08670, abstract: 214.82 GFLOPs, read as multiply-adds counted once"
_RECONSTRUCTION = (
    "Reconstruction, not the paper's own network: its code is not public. Among about a hundred combinations "
    "this one meets the cost of the headline; another one does too."
)

PRESETS: dict[str, Preset] = {
    "frm-van-b0": Preset(
        "van_b0+frm1234-dnl-3x3conv-wx1-r1+fpn256-head128",
        (Claim(metric="macs_g", value=214.82, source=_HEADLINE, tolerance=0.001),),
        _RECONSTRUCTION,
    ),
    "frm-van-b1": Preset(
        "van_b1+frm1234-dnl-noneconv-r8+fpn256-plainhead",
        (
            Claim(
                metric="macs_g",
                value=214.82,
                source=_HEADLINE,
                tolerance=0.001,
                difference="0.3 % below: norms and interpolation, which some counters add, bring it to about 215.2",
            ),
        ),
        _RECONSTRUCTION,
    ),
}
