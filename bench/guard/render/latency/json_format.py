"""The latency guard's findings as JSON: every figure in full."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from bench.guard.latency_report import STATES, JudgedVariant, LatencyGuardReport
from bench.guard.render.latency.text import LEAST_RATE, sentences, title

SCHEMA = 2
"""1 had the setting as its label alone, and no times."""


def latency_guard_json(report: LatencyGuardReport) -> str:
    """All of it; ratios are head over base, limits and slow-downs shares; rates below 0.0001 are given as that."""
    data = {
        "schema_version": SCHEMA,
        "kind": "latency",
        "verdict": title(report),
        "failed": report.fails,
        "cannot_tell": report.cannot_tell,
        "compared": report.compared,
        "base": report.base,
        "head": report.head,
        "setting": report.setting.to_json() | {"label": str(report.setting)},
        "rule": asdict(report.rule),
        "doubts": list(report.doubts),
        "notes": list(report.notes),
        "same_code": report.same_code,
        "machine": report.machine,
        "versions": report.versions,
        "seconds": round(report.seconds, 3),
        "counts": {state: report.count(state) for state in STATES},
        "variants": [_variant(variant) for variant in report.variants],
    }
    return json.dumps(data, indent=1) + "\n"


def _variant(variant: JudgedVariant) -> dict[str, Any]:
    found: dict[str, Any] = {"variant": variant.name, "state": variant.state, "reason": variant.reason}
    found["sentences"] = sentences(variant)
    verdict = variant.verdict
    if verdict is None:
        return found
    return found | {
        "ratio": asdict(verdict.head),
        "base_against_itself": asdict(verdict.same),
        "limit": verdict.limit,
        "false_alarm_rate": max(verdict.false_alarms, LEAST_RATE),
        "smallest_seen": verdict.seen,
        "base_ms": verdict.base_ms,
        "head_ms": verdict.head_ms,
        "restarts": verdict.restarts,
        "cycles": verdict.cycles,
        "times_ns": {"sides": ["base", "base again", "head"], "by_restart": verdict.times_ns},
    }
