"""Records as a sweep writes them, made without measuring: for what reads records."""

from __future__ import annotations

from typing import Any, Literal, overload

from bench.settings.latency import LatencySetting
from bench.storage.records import AccuracyRecord, CostRecord, Group, ProcessRecord, Record, make_key, read_record

MACHINE = {"cpu": "Test CPU", "cores": 2, "memory_gib": 8, "gpu": None, "system": "Linux x86_64"}
VERSIONS = {"python": "3.11", "torch": "2.15.0"}
CLASSES = ["road", "car"]
_SPEC = {
    "fused_stages": [1, 2, 3, 4],
    "context": "dnl",
    "module_width": 64,
    "transformer_depth": None,
    "transformer_heads": None,
    "transformer_ffn_ratio": None,
    "decoder_width": 32,
    "head_width": 32,
}
_SETTINGS: dict[str, dict[str, Any]] = {
    "cost": {"size": [2048, 1024], "classes": 2, "method": 4},
    "latency": {
        **LatencySetting(size=(512, 256), classes=2).to_json(),
        "runtime_versions": {},
        "weights_of": "0",
        "samples": 3,
        "restart": 0,
        "method": 2,
    },
    "accuracy": {
        "dataset": "streets",
        "dataset_options": {},
        "data_fingerprint": "0123456789ab",
        "classes": CLASSES,
        "schedule": {"epochs": 1},
        "seed": 0,
        "weights": "random",
        "device": "cpu",
        "precision": "float32",
        "method": 3,
    },
}
_NETWORK = {"weights_hash": "a1", "graph_hash": "b2"}
_WORDS: dict[str, dict[str, str]] = {
    "cost": {"counter": "formulas"},
    "latency": {"scope": "forward"},
    "accuracy": {"data": "8 train", "schedule": "1 epoch", "evaluation": "whole images"},
}


_Metrics = dict[str, float] | None


@overload
def record(group: Literal["cost"], backbone: str = ..., metrics: _Metrics = ..., **changes: Any) -> CostRecord: ...


@overload
def record(
    group: Literal["latency"], backbone: str = ..., metrics: _Metrics = ..., **changes: Any
) -> ProcessRecord: ...


@overload
def record(
    group: Literal["accuracy"], backbone: str = ..., metrics: _Metrics = ..., **changes: Any
) -> AccuracyRecord: ...


@overload
def record(group: Group, backbone: str = ..., metrics: _Metrics = ..., **changes: Any) -> Record: ...


def record(group: Group, backbone: str = "net_a", metrics: dict[str, float] | None = None, **changes: Any) -> Record:
    """A record of one backbone with the DNL module; `changes` replace fields, `setting` is merged."""
    setting = _SETTINGS[group] | changes.pop("setting", {})
    spec = _SPEC | {"backbone": backbone} | changes.pop("spec", {})
    details: dict[str, Any] = {}
    if group == "cost":
        details = {"unknown_operators": {}}
    if group == "accuracy":
        matrix = [[2, 1], [1, 2]]
        tables = {"class_iou_val": [0.5, 0.5], "confusion_val": matrix}
        details = {**tables, **{name.replace("val", "test"): of for name, of in tables.items()}, **_NETWORK}
    if group == "latency":
        details = {"samples_ms": [], "weights": "0", **_NETWORK}
    details |= changes.pop("details", {})
    fields = {
        "key": make_key(group=group, spec=spec, setting=setting),
        "group": group,
        "variant": f"{backbone}+{spec['context']}",
        "spec_hash": make_key(spec=spec),
        "spec": spec,
        "setting": setting,
        "words": _WORDS[group],
        "status": "ok",
        "metrics": metrics or {},
        "details": details,
        "machine": MACHINE,
        "machine_id": "test-cpu-2-cores-abcdef",
        "versions": VERSIONS,
        "commit": "0123456789ab",
        "started": "2026-01-01T00:00:00+00:00",
        "seconds": 1.0,
    }
    return read_record(fields | changes)


def measured(backbone: str, miou: float, macs: float, latency: float, **changes: Any) -> list[Record]:
    """The three records of one measured variant; a field of `setting` is of those groups that have it."""
    setting = changes.pop("setting", {})

    def of(group: str) -> dict[str, Any]:
        return changes | {"setting": {name: setting[name] for name in setting.keys() & _SETTINGS[group].keys()}}

    scores = {f"miou_{split}{end}": miou + d for split in ("val", "test") for end, d in _SPREAD.items()}
    times = {"latency_cpu_ms": latency, "latency_cpu_ms_low": latency - 1, "latency_cpu_ms_high": latency + 1}
    return [
        record("cost", backbone, {"macs": macs, "parameters": macs / 1000}, **of("cost")),
        record("latency", backbone, times, **of("latency")),
        record("accuracy", backbone, scores, **of("accuracy")),
    ]


_SPREAD = {"": 0.0, "_low": -0.02, "_high": 0.02}
