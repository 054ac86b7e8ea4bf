"""The columns of a record in a pack: what is asked of many, and where the whole record is."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from bench.analysis.comparability import what_is_alike
from bench.analysis.latency_records import metric_of
from bench.analysis.seed_variance import but_for_the_seed, data_of
from bench.metrics import METRICS, P90, SCORE_METRICS
from bench.storage.records import AccuracyRecord, ProcessRecord, Record, make_key

_COMPUTED = ("flops", *SCORE_METRICS)
"""Metrics that no record holds, or only among its details."""
METRIC_COLUMNS = tuple(
    f"{name}{end}"
    for name in METRICS
    if name not in _COMPUTED and not name.endswith(P90)
    for end in (("", "_low", "_high") if name.startswith(("miou", "latency")) else ("",))
)
"""Of the stored units; null where a record has none."""
_WORD = pa.dictionary(pa.int32(), pa.string())
"""Few values, each kept once."""
_FIELDS: dict[str, pa.DataType] = {
    "sweep": _WORD,
    "file": _WORD,
    "start": pa.int64(),
    "length": pa.int32(),
    "key": pa.string(),
    "group": _WORD,
    "variant": _WORD,
    "spec_hash": _WORD,
    "status": _WORD,
    "reason": pa.string(),
    "machine_id": _WORD,
    "commit": _WORD,
    "started": pa.string(),
    "seconds": pa.float64(),
    "metric": _WORD,
    "alike": _WORD,
    "dataset": _WORD,
    "data_fingerprint": _WORD,
    "training": pa.string(),
    "seed": pa.int64(),
    "restart": pa.int64(),
    "spec": _WORD,
    "setting": pa.string(),
}
COLUMNS = pa.schema([*_FIELDS.items(), *((name, pa.float64()) for name in METRIC_COLUMNS)])
"""start, length: where in its file the line of a record is, in bytes. metric: which one a latency is. alike: the same
for records that stand side by side. training: the same for trainings that differ in the seed alone.
spec, setting: JSON with sorted names."""


def row_of(record: Record, sweep: str, file: str, start: int, length: int) -> dict[str, Any]:
    """The columns of one record; those that are null are left out."""
    row = {
        "sweep": sweep,
        "file": file,
        "start": start,
        "length": length,
        "key": record.key,
        "group": record.group,
        "variant": record.variant,
        "spec_hash": record.spec_hash,
        "status": record.status,
        "reason": record.reason,
        "machine_id": record.machine_id,
        "commit": record.commit,
        "started": record.started,
        "seconds": record.seconds,
        "alike": make_key(text=what_is_alike(record))[:12],
        "spec": _canonical(record.spec),
        "setting": _canonical(record.setting.to_json()),
        **record.metrics,
    }
    if isinstance(record, ProcessRecord):
        row |= {"metric": metric_of(record), "restart": record.setting.restart}
    if isinstance(record, AccuracyRecord):
        dataset, fingerprint = data_of(record)
        row |= {
            "dataset": dataset,
            "data_fingerprint": fingerprint,
            "seed": record.setting.seed,
            "training": make_key(text=but_for_the_seed(record)),
        }
    return row


def _canonical(data: dict[str, Any]) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"))
