"""Attention blocks against the plain formula: memory and time, each in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import torch

from bench.cost.attention_pass import HEADS, PassRequest, PassResult
from bench.cost.attention_setting import Setting

_MARGIN = 1.1
"""Of free memory over what the plain formula needs: what the process holds besides its matrices."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One block at one stride. Where one of the two gave no result, it is None and `plain_said` or
    `ours_said` says why; so are then the ratios (plain over ours) and the largest difference of the outputs."""

    block: str
    stride: int
    positions: int
    ours: PassResult | None
    plain: PassResult | None
    ours_said: str = ""
    plain_said: str = ""
    memory_ratio: float | None = None
    time_ratio: float | None = None
    difference: float | None = None


def compare(blocks: tuple[str, ...], strides: tuple[int, ...], setting: Setting) -> Iterator[Comparison]:
    """Compare block by block, from the smallest map to the largest."""
    for block in blocks:
        for stride in sorted(strides, reverse=True):
            with tempfile.TemporaryDirectory() as folder:
                yield _compare_one(block, stride, setting, Path(folder))


def plain_bytes(block: str, positions: int, backward: bool) -> int:
    """What the plain formula holds at its peak: logits and softmax of all pairs a head, and a gradient in training."""
    copies = 3 if backward else 2
    return positions**2 * 4 * copies * (HEADS if block == "transformer" else 1)


def free_bytes(device: str) -> int:
    """Free memory of the machine or of the GPU."""
    return torch.cuda.mem_get_info()[0] if device == "cuda" else psutil.virtual_memory().available


def shortage(needed: int, free: int) -> str:
    """That this many bytes are not to be had, in words; empty where they are."""
    return f"needs about {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB free" if needed * _MARGIN > free else ""


def _compare_one(block: str, stride: int, setting: Setting, folder: Path) -> Comparison:
    width, height = (-(-side // stride) for side in setting.size)
    positions = width * height
    files = [folder / "ours.pt", folder / "plain.pt"]
    requests = [
        PassRequest(block=block, plain=plain, map_size=(height, width), setting=setting, output=str(file))
        for plain, file in zip((False, True), files, strict=True)
    ]
    ours = in_own_process(requests[0])
    too_little = shortage(plain_bytes(block, positions, setting.backward), free_bytes(setting.device))
    plain = too_little or in_own_process(requests[1])
    if isinstance(ours, str) or isinstance(plain, str):
        return Comparison(
            block=block,
            stride=stride,
            positions=positions,
            ours=None if isinstance(ours, str) else ours,
            plain=None if isinstance(plain, str) else plain,
            ours_said=ours if isinstance(ours, str) else "",
            plain_said=plain if isinstance(plain, str) else "",
        )
    outputs = [torch.load(file, weights_only=True) for file in files]
    return Comparison(
        block=block,
        stride=stride,
        positions=positions,
        ours=ours,
        plain=plain,
        memory_ratio=plain.peak_bytes / ours.peak_bytes if ours.peak_bytes else None,
        time_ratio=plain.median_ms / ours.median_ms,
        difference=float((outputs[0] - outputs[1]).abs().max()),
    )


def in_own_process(request: PassRequest) -> PassResult | str:
    """The result, or in words how the process ended without one."""
    command = [sys.executable, "-m", "bench.cost.attention_pass", json.dumps(asdict(request))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode < 0:
        return f"died of signal {-done.returncode}"
    if done.returncode:
        return f"failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1][:200]}"
    return PassResult(**json.loads(done.stdout))
