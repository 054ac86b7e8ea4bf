"""Adaptations made up without training: records as `bench adapt` keeps them, and the matrices of each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.adapt.analysis.adaptation import Adaptation, make_adaptation
from bench.analysis.selection import select
from bench.storage.confusions import Confusions
from bench.storage.records import AdaptationRecord, Record, make_key
from bench.storage.store import Store
from tests.factories import MACHINE, VERSIONS

PIXELS = 1000
"""Of each of the two classes in an image."""
ARMS = {
    "as_is": "as it is",
    "full": "full fine-tuning",
    "frozen": "frozen backbone",
    "semi": "mean teacher: mean teacher (decay 0.99)",
}
Matrices = NDArray[np.int64]


def matrices_of(shares: Sequence[float] | NDArray[np.float64]) -> Matrices:
    """(images, 2, 2) of images in which this share of each class is right."""
    right = np.clip(np.round(np.asarray(shares) * PIXELS), 0, PIXELS).astype(np.int64)
    wrong = PIXELS - right
    return np.stack([np.stack([right, wrong], axis=-1), np.stack([wrong, right], axis=-1)], axis=-2)


def miou_of(share: float) -> float:
    """Where this share of each of two classes of one size is right: the intersection over what is not wrong twice."""
    return share / (2 - share)


class MadeUp:
    """An adaptation that grows network by network."""

    def __init__(self, of: int = 64, start: str = "net") -> None:
        """of: images of the training split. start: file of the checkpoint, without ending."""
        self.of, self.start = of, start
        self.records: list[Record] = []
        self.matrices: dict[tuple[str, str], Matrices] = {}

    def add(
        self,
        labels: int,
        seed: int,
        shares: Sequence[float] | NDArray[np.float64],
        arm: str = "full",
        step: str = "none",
        variant: str = "net_a+fpn8",
        seconds: float = 10.0,
        **changes: Any,
    ) -> AdaptationRecord:
        """A network and what share of each image of the validation split, and of the test split, it has right."""
        setting = {
            "dataset": "folder",
            "dataset_options": {},
            "data_fingerprint": "0123456789ab",
            "start": self.start,
            "start_classes": ["road", "car"],
            "method": 1,
            "classes": ["road", "car"],
            "arm": arm,
            "labels": labels,
            "of": self.of,
            "choice": "balanced",
            "seed": seed,
            "size": [64, 32],
            "device": "cpu",
            "precision": "float32",
            "step": step,
        }
        matrices = matrices_of(shares)
        miou = miou_of(float(matrices[:, 0, 0].mean()) / PIXELS)
        key = make_key(variant=variant, setting=setting)
        fields = {
            "key": key,
            "group": "adaptation",
            "variant": variant,
            "spec_hash": make_key(variant=variant),
            "spec": {"backbone": variant.partition("+")[0], "fused_stages": [], "decoder_width": 8, "head_width": 8},
            "setting": setting,
            "status": "ok",
            "metrics": {"miou_val": miou, "miou_test": miou},
            "details": {"training_s": seconds, "updates": 0 if arm == "as_is" else 100},
            "words": {
                "data": "folder: 64 train, 20 val, 20 test",
                "start": f"from {self.start}.safetensors, trained on streets",
                "arm": ARMS[arm],
                "step": "nothing" if step == "none" else f"words of {step}",
                "schedule": "batch 8, crops of 64x32",
            },
            "machine": MACHINE,
            "machine_id": "test-cpu-2-cores-abcdef",
            "versions": VERSIONS,
            "commit": "0123456789ab",
            "started": "2026-01-01T00:00:00+00:00",
            "seconds": seconds,
        }
        record = AdaptationRecord.model_validate(fields | changes)
        self.records.append(record)
        self.matrices |= {(record.key, split): matrices for split in ("val", "test")}
        return record

    def adaptation(self, name: str = "made_up", planned: Sequence[str] = ()) -> Adaptation:
        """As it is judged. planned: further keys of the plan."""
        keys = [*(record.key for record in self.records), *planned]
        return make_adaptation(name, select(self.records, keys), lambda key, split: self.matrices.get((key, split)))

    def write(self, results: Path, name: str = "made_up") -> None:
        """Keep it below results/adapt/."""
        store = Store(results / "adapt")
        store.write_plan(name, [record.key for record in self.records])
        for record in self.records:
            store.append(name, record)
            splits: Mapping[str, Matrices] = {split: self.matrices[record.key, split] for split in ("val", "test")}
            Confusions(store.root, name).save(record.key, splits)


def ladder(
    shares: Mapping[int, float],
    seeds: int = 3,
    images: int = 12,
    made: MadeUp | None = None,
    wobble: float = 0.004,
    **network: Any,
) -> MadeUp:
    """A line: by labels the share that is right on average; seeds lie `wobble` apart."""
    made = made or MadeUp(of=max(shares))
    spread = np.linspace(-0.02, 0.02, images)
    for labels, share in shares.items():
        arm = {"arm": "as_is"} if labels == 0 else {}
        for seed in range(seeds if labels else 1):
            made.add(labels, seed, share + spread + wobble * (seed - (seeds - 1) / 2) * bool(labels), **network | arm)
    return made
