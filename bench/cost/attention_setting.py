"""What `bench attention` compares and how; light, so that the command line can read it at once."""

from __future__ import annotations

from dataclasses import dataclass

BLOCKS = ("nonlocal", "dnl", "transformer")
STRIDES = (32, 16, 8)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Of a whole comparison: image size (width, height) in pixels, channels, threads, timed passes."""

    size: tuple[int, int]
    channels: int
    threads: int
    passes: int
    backward: bool
    device: str
