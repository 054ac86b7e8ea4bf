"""What a module is worth: the mIoU of a variant less that of the plain network around it, on the same images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.stats.bootstrap import miou_difference
from bench.stats.interval import Interval
from bench.storage.confusions import Confusions
from bench.storage.records import AccuracyRecord


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Of a variant to its plain network. miou: by split, 0 to 1, with 95 % intervals over images and seeds."""

    variant: str
    plain: str
    miou: Mapping[str, Interval]
    seeds: int
    """That both were trained from."""


def module_differences(accuracy: Sequence[AccuracyRecord], confusions: Confusions) -> list[Difference]:
    """One for each variant with fused stages whose plain network is there, from the matrices that both left.

    Raises:
        UserError: a file of matrices is broken.
    """
    runs: dict[str, dict[int, AccuracyRecord]] = {}
    for record in accuracy:
        runs.setdefault(record.variant, {})[record.setting.seed] = record
    specs = {record.variant: record.spec for record in accuracy}
    plains = [variant for variant, spec in specs.items() if spec.get("fused_stages") == []]
    pairs = [
        (variant, plain)
        for variant, spec in specs.items()
        for plain in plains
        if spec.get("fused_stages") and _is_around(specs[plain], spec)
    ]
    found = (_difference(variant, plain, runs, confusions) for variant, plain in pairs)
    return [difference for difference in found if difference is not None]


def _is_around(plain: Mapping[str, object], spec: Mapping[str, object]) -> bool:
    """Whether the two differ in the module alone; a plain network has none of the module's axes."""
    return all(spec.get(axis) == value for axis, value in plain.items() if axis != "fused_stages")


def _difference(
    variant: str, plain: str, runs: Mapping[str, Mapping[int, AccuracyRecord]], confusions: Confusions
) -> Difference | None:
    seeds = sorted(runs[variant].keys() & runs[plain].keys())
    miou = {}
    for split in ("val", "test"):
        sides = [[confusions.load(runs[of][seed].key, split) for seed in seeds] for of in (plain, variant)]
        first, second = ([m for m in side if m is not None] for side in sides)
        if not seeds or len(first) < len(seeds) or len(second) < len(seeds):
            return None
        miou[split] = miou_difference(first, second)
    return Difference(variant=variant, plain=plain, miou=miou, seeds=len(seeds))
