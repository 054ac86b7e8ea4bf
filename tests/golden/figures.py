"""Golden files that follow from results/ alone. Loads neither torch nor `variants`.

Only `setting_text`, `seed_of` and `measured_details` know the form of settings and details. Where that form changes,
change these functions; the golden files stay as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.storage.records import Record
from tests.golden.beside import beside_records
from tests.golden.committed import committed_records
from tests.golden.files import SHARED, Golden, canonical, digest, numbered

_PROSE = frozenset({"doubts", "label", "log"})


def setting_text(setting: Mapping[str, Any]) -> str:
    """A setting, exactly as keys hash it."""
    return json.dumps(setting, sort_keys=True)


def seed_of(record: Record) -> int | None:
    """The seed of a training; None of what has none."""
    seed: int | None = record.setting.to_json().get("seed")
    return seed


def measured_details(record: Record) -> dict[str, Any]:
    """The details but for sentences: samples, matrices, losses, operators."""
    return {name: value for name, value in record.details.items() if name not in _PROSE}


def figures_of(results: Path) -> Golden:
    """All these files, as they are now."""
    golden: Golden = {name: {} for name in SHARED.values()}
    for sweep, record in committed_records(results):
        lines = golden.setdefault(f"records/{sweep}/{record.machine_id}", {})
        lines[numbered(record.key, lines)] = _facts(record, golden)
    return golden | {name: dict(sorted(golden[name].items())) for name in SHARED.values()} | beside_records(results)


def _facts(record: Record, golden: Golden) -> str:
    def shared(name: str, text: str) -> dict[str, str]:
        golden[SHARED[name]][digest(text)] = text
        return {name: digest(text)}

    seed = seed_of(record)
    origin = [record.machine, record.versions, record.commit, record.started, record.seconds]
    facts = {
        "variant": record.variant,
        "group": record.group,
        "status": record.status,
        **({} if seed is None else {"seed": seed}),
        "metrics": dict(sorted(record.metrics.items())),
        **shared("setting", setting_text(record.setting.to_json())),
        **shared("spec", canonical({"hash": record.spec_hash, "axes": record.spec})),
        **shared("versions", canonical(record.versions)),
        "details": digest(canonical(measured_details(record))),
        "origin": digest(canonical(origin)),
    }
    return json.dumps(facts, allow_nan=False)
