"""Synthetic results of any size, shaped like those of a real sweep: to measure how a pick scales, for nothing else.

Each variant has the records of one real variant, with its own name, keys and numbers; some have three seeds in place of
one. The sweeps ran on several machines in turns. Some records are of an older code, which no plan names.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.analysis.resampling import SPLIT
from bench.analysis.selection import select
from bench.errors import UserError
from bench.stats.scores import mean_iou
from bench.storage.confusions import FOLDER, Confusions
from bench.storage.records import Record
from bench.storage.store import Store

SWEEPS, MACHINES = 24, 8
MACHINE = "synthetic-machine-{}"
_SEEDS_OF_EVERY = 4
"""Variants: one of so many has three seeds."""
_OLDER_OF_EVERY = 10
"""So is the share of records of an older code."""
_HALF_WIDTH = 0.007
"""Of an interval of mIoU over images."""


@dataclass(frozen=True)
class Likeness:
    """What synthetic records are shaped like: those of each variant of a sweep, and the matrices of a training."""

    variants: Sequence[Sequence[dict[str, Any]]]
    matrices: NDArray[np.int64] | None


def likeness_of(results: Path, sweep: str, with_matrices: bool) -> Likeness:
    """Of a sweep that was measured.

    Raises:
        UserError: no such sweep, or its trainings left no matrices.
    """
    store = Store(results)
    shown = select(store.read_known(sweep), store.read_plan(sweep).keys).shown
    by_variant: dict[str, list[Record]] = {}
    for record in shown:
        by_variant.setdefault(record.spec_hash, []).append(record)
    matrices = None
    if with_matrices:
        loaded = (Confusions(results, sweep).load(r.key, SPLIT) for r in shown if r.group == "accuracy")
        matrices = next((found for found in loaded if found is not None), None)
        if matrices is None:
            raise UserError(f"the trainings of {sweep} left no confusion matrices. Name another sweep.")
    return Likeness([[r.model_dump(mode="json") for r in some] for some in by_variant.values()], matrices)


def make_results(root: Path, like: Likeness, records: int, seed: int = 0) -> int:
    """Write about so many records; how many there are.

    Args:
        root: of the results, where nothing is yet.
    """
    rng = np.random.default_rng(seed)
    total = variant = 0
    for number in range(SWEEPS):
        folder, machine = root / f"synthetic_{number:02}", MACHINE.format(number % MACHINES)
        (folder / FOLDER).mkdir(parents=True)
        keys: list[str] = []
        with (folder / f"{machine}.jsonl").open("w", encoding="utf-8") as file:
            while total < records * (number + 1) // SWEEPS:
                for record, is_planned in _of_variant(
                    like, variant, machine=machine, matrices=folder / FOLDER, rng=rng
                ):
                    file.write(json.dumps(record, separators=(",", ":")) + "\n")
                    total += 1
                    if is_planned:
                        keys.append(record["key"])
                variant += 1
        Store(root).write_plan(folder.name, keys)
    return total


def _of_variant(
    like: Likeness, variant: int, machine: str, matrices: Path, rng: np.random.Generator
) -> Iterator[tuple[dict[str, Any], bool]]:
    """The records of one variant, each with whether it is planned."""
    macs = 2.0 ** rng.uniform(-1, 5)
    miou = 0.5 + 0.03 * math.log2(macs) + 0.03 * rng.standard_normal()
    milliseconds = 8 * macs**0.8 * math.exp(0.1 * rng.standard_normal())
    for real in like.variants[variant % len(like.variants)]:
        seeds = range(3) if real["group"] == "accuracy" and variant % _SEEDS_OF_EVERY == 0 else [None]
        for training_seed in seeds:
            record = _renamed(real, variant, machine)
            if training_seed is not None:
                record["setting"] = record["setting"] | {"seed": training_seed}
            if real["group"] == "cost":
                scale = macs * 1e9 / real["metrics"]["macs"]
                record["metrics"] = {name: float(round(value * scale)) for name, value in real["metrics"].items()}
            elif real["group"] == "latency":
                scale = milliseconds / 100 * (1 + 0.02 * rng.standard_normal())
                record["metrics"] = {name: value * scale for name, value in real["metrics"].items()}
            record["key"] = _digest(variant, record["setting"], record["machine_id"])[:16]
            if real["group"] == "accuracy":
                record["metrics"] = _mious(like, miou + 0.007 * rng.standard_normal(), matrices / record["key"])
            yield record, True
            if rng.integers(_OLDER_OF_EVERY) == 0:
                yield record | {"key": _digest(record["key"], "older")[:16]}, False


def _renamed(real: dict[str, Any], variant: int, machine: str) -> dict[str, Any]:
    """Under the name of another variant, on another machine."""
    backbone = f"synthetic_{variant:07}"
    return real | {
        "variant": f"{backbone}+{real['variant'].partition('+')[2]}",
        "spec": real["spec"] | {"backbone": backbone},
        "spec_hash": _digest(variant)[:12],
        "machine_id": machine,
        "commit": "synthetic",
    }


def _mious(like: Likeness, miou: float, path: Path) -> dict[str, float]:
    """The metrics of a training; where there are matrices, theirs, which are left beside the records."""
    if like.matrices is not None:
        matrices = _spoiled(like.matrices, miou)
        np.savez(path.with_suffix(".npz"), allow_pickle=False, **{SPLIT: matrices.astype(np.uint32)})
        miou = float(mean_iou(matrices.sum(axis=0)))
    ends = {"": 0.0, "_low": -_HALF_WIDTH, "_high": _HALF_WIDTH}
    return {f"miou_{split}{end}": miou + by for split in (SPLIT, "test") for end, by in ends.items()}


def _spoiled(matrices: NDArray[np.int64], miou: float) -> NDArray[np.int64]:
    """With more or fewer errors, so that the mIoU is about as asked for."""
    whole = float(mean_iou(matrices.sum(axis=0)))
    share = min((1 - miou) / miou * whole / (1 - whole), 2.0)
    right = np.eye(matrices.shape[-1], dtype=bool)
    wrong = np.where(right, 0, (matrices * share).astype(np.int64))
    rest = np.maximum(matrices.sum(axis=-1) - wrong.sum(axis=-1), 0)
    return np.asarray(wrong + right * rest[..., None])


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
