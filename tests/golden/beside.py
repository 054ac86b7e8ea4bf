"""What results/ holds beside records: plans, matrices, cost baselines, decisions of the guard, calibrations."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from bench.guard.cost_baseline import FILE, read_baseline
from bench.storage.confusions import FOLDER, Confusions, Matrices
from tests.golden.committed import SWEEPS, committed_files, store_of
from tests.golden.files import Golden, Lines, canonical, digest


def beside_records(results: Path) -> Golden:
    """The golden files of all that, as it is now."""
    plans = committed_files(results, *(f"{place}/plan.json" for place in SWEEPS))
    matrices = committed_files(results, *(f"{place}/{FOLDER}/*.npz" for place in SWEEPS))
    return {
        "plans": dict(_plan(results, path) for path in plans),
        "confusions": dict(_matrices(results, path) for path in matrices),
        "cost_baselines": _merged(map(_baseline, committed_files(results, f"*/{FILE}"))),
        "guard": _merged(map(_decisions, committed_files(results, "guard/*.ndjson"))),
        "hardware": dict(map(_calibration, committed_files(results, "hardware/*.json"))),
    }


def _merged(parts: Any) -> Lines:
    return {key: text for part in parts for key, text in part.items()}


def _plan(results: Path, path: Path) -> tuple[str, str]:
    """How many keys, and the digest of them in their order."""
    sweep = path.parent
    keys = store_of(results, sweep).read_plan(sweep.name).keys
    return sweep.relative_to(results).as_posix(), canonical({"keys": len(keys), "digest": digest(canonical(keys))})


def _matrices(results: Path, path: Path) -> tuple[str, str]:
    """Of each split the shape and the digest of the counts."""
    sweep = path.parent.parent
    confusions = Confusions(store_of(results, sweep).root, sweep.name)
    with np.load(path, allow_pickle=False) as file:
        splits = list(file.files)
    found = {split: confusions.load(path.stem, split) for split in splits}
    about = {split: _digest_of(counts) for split, counts in found.items() if counts is not None}
    return f"{sweep.relative_to(results).as_posix()}/{path.stem}", canonical(about)


def _digest_of(counts: Matrices) -> str:
    return f"{'x'.join(map(str, counts.shape))} {digest(counts.astype('<i8').tobytes())}"


def _baseline(path: Path) -> Lines:
    """What all was counted with; then of each variant the figures and the digest of its operators."""
    space, baseline = path.parent.name, read_baseline(path)
    about = {"size": list(baseline.size), "classes": baseline.classes, "method": baseline.method}
    costs = {
        f"{space}/{name}": canonical(cost.metrics() | {"operators": digest(canonical(cost.to_json()))})
        for name, cost in sorted(baseline.costs.items())
    }
    return {space: canonical(about)} | costs


def _decisions(path: Path) -> Lines:
    """By the key of the self-test, how many there are and the digest of their values in their order."""
    by_key: dict[str, list[Any]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        trial = json.loads(line)
        by_key[trial["key"]].append([*trial["decision"].values(), trial["same_ratio"], trial["base_ms"]])
    return {
        f"{path.stem}/{key}": canonical({"decisions": len(made), "digest": digest(canonical(made))})
        for key, made in by_key.items()
    }


def _calibration(path: Path) -> tuple[str, str]:
    data = json.loads(path.read_text(encoding="utf-8"))
    about = {name: data[name] for name in ("macs_per_s", "bytes_per_s")} | {"trials": digest(canonical(data["trials"]))}
    return path.stem, canonical(about)
