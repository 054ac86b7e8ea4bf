"""The guard's findings as JSON: every variant and every place, exact."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from bench.guard.cost_comparison import STATES, Change, GuardedVariant, GuardReport, SpaceGuard
from bench.guard.render.cost.text import title

SCHEMA = 1


def guard_json(report: GuardReport) -> str:
    """The whole report; figures by the names of `bench.metrics`, MACs counting a multiply-add once."""
    data = {
        "schema_version": SCHEMA,
        "kind": "cost",
        "verdict": title(report),
        "failed": report.fails,
        "accepted": report.accepted,
        "against": report.against or None,
        "compared": report.compared,
        "figures": report.figures,
        "method": report.method,
        "commit": report.commit,
        "versions": report.versions,
        "seconds": round(report.seconds, 3),
        "plugins_set_aside": list(report.set_aside),
        "spaces": [_space(space) for space in report.spaces],
    }
    return json.dumps(data, indent=1) + "\n"


def _space(space: SpaceGuard) -> dict[str, Any]:
    return {
        "space": space.space,
        "baseline": space.baseline,
        "accept": space.accept,
        "size": list(space.size) if space.size else None,
        "classes": space.classes,
        "compared": space.compared,
        "counts": {state: space.count(state) for state in STATES},
        "notes": list(space.notes),
        "baseline_faults": [asdict(fault) for fault in space.faults],
        "variants": [_variant(variant) for variant in space.variants],
    }


def _variant(variant: GuardedVariant) -> dict[str, Any]:
    return {
        "variant": variant.name,
        "state": variant.state,
        "reason": variant.reason,
        "in_space": variant.in_space,
        "now": variant.cost.metrics() if variant.cost else None,
        "changes": [_change(change) for change in variant.changes],
        "hidden_operators": [
            {"part": hidden.part, "operator": hidden.operator, "before": hidden.before, "now": hidden.now}
            for hidden in variant.hidden
        ],
    }


def _change(change: Change) -> dict[str, Any]:
    data = {
        "metric": change.metric,
        "verdict": change.verdict,
        "before": change.before,
        "now": change.now,
        "difference": change.difference,
        "percent": change.percent,
        "allowed_percent": float(change.allowed),
        "places": [
            {"part": place.part, "operator": place.operator, "difference": place.difference} for place in change.places
        ],
    }
    if change.was_at is not None:
        data["was_at"] = {"part": change.was_at.part, "operator": change.was_at.operator}
    return data
