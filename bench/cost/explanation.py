"""What is known about a variant part by part: plain data, for tables, JSON and diagrams."""

from __future__ import annotations

from dataclasses import dataclass

IMAGE = "image"
"""What the first part takes as its input."""


@dataclass(frozen=True, kw_only=True)
class FeatureMap:
    """Shape of one map that a part gives, and its stride in words: "1/4", or "global" where it is 1x1."""

    channels: int
    height: int
    width: int
    stride: str


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a network, in the order of the data.

    role: backbone, module (ours), decoder, or body of a network without these.
    inputs: names of the parts whose maps it takes, or `image`.
    parameters, macs: None where they stand in the row of a part that this one belongs to. unknown: calls of
    operators without a formula, which make the MACs a lower bound.
    """

    name: str
    does: str
    role: str
    inputs: tuple[str, ...]
    maps: tuple[FeatureMap, ...]
    parameters: int | None
    macs: int | None
    unknown: int = 0


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """A variant in words, shapes and costs; `macs` and `parameters` are those of the whole network.

    size: width and height of the input in pixels. unknown_operators: not counted, with their calls.
    """

    variant: str
    content_hash: str
    network: str
    about: str
    size: tuple[int, int]
    classes: int
    parameters: int
    macs: int
    unknown_operators: dict[str, int]
    parts: tuple[Part, ...]
