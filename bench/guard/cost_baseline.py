"""results/<space>/cost_baseline.json: what the variants of a space cost when somebody last agreed to it.

One operator a line, so that the review of a change shows what grew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from bench.cost.figures import Cost, cost_from_json
from bench.errors import UserError

SCHEMA = 2
FILE = "cost_baseline.json"
GUARDED = ("macs", "parameters", "activations", "peak_bytes")
"""Figures that are compared, by the names of `bench.metrics`."""
_COLUMNS = {
    "work": "part, operator: calls, multiply-adds, other operations, elements written",
    "weights": "part, operator that reads them first: parameters, bytes in float32, in float16, in int8",
    "peak": "bytes, part and operator at which the memory is highest",
}
"""For who reads the file; nothing reads it back."""


@dataclass(frozen=True, kw_only=True)
class CostBaseline:
    """Costs of variants by name, and all that decides them.

    source: the space that was counted, by its shipped name or as the path of its file.
    size: width and height of the image. method: of counting, `bench.settings.cost.COUNTING_METHOD`.
    """

    source: str
    size: tuple[int, int]
    classes: int
    method: int
    commit: str
    versions: dict[str, str]
    costs: dict[str, Cost]

    def says_the_same(self, other: CostBaseline) -> bool:
        """Whether nothing differs but the commit and the versions."""
        return self._figures == other._figures

    @property
    def _figures(self) -> tuple[Any, ...]:
        return self.source, self.size, self.classes, self.method, self.costs


def baseline_path(results: Path, space: str) -> Path:
    """Where the baseline of a space is."""
    return results / space / FILE


def spaces_with_baseline(results: Path) -> list[str]:
    """Names of the spaces that have one, sorted."""
    return sorted(path.parent.name for path in results.glob(f"*/{FILE}"))


def write_baseline(path: Path, baseline: CostBaseline) -> None:
    """Replace the file, whole or not at all.

    Raises:
        UserError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(_layout(_to_json(baseline)) + "\n", encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}. Pass --results FOLDER.") from None


def read_baseline(path: Path) -> CostBaseline:
    """Read the file.

    Raises:
        UserError: it cannot be read, is broken, or of another schema version.
    """
    again = f"`bench guard --accept {path.parent.name}` writes it anew (a space of your own: by its YAML file)."
    try:
        data = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_without_twice)
        version = data["schema_version"]
        if version != SCHEMA:
            raise UserError(f"{path} has schema version {version}; this bench reads {SCHEMA}. {again}")
        return _from_json(data)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from None
    except json.JSONDecodeError as error:
        raise UserError(f"{path}:{error.lineno}: not JSON ({error.msg}). Take the committed one, or {again}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise UserError(f"{path} is no baseline of costs: {what}. Take the committed one, or {again}") from None


def _to_json(baseline: CostBaseline) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA,
        "source": baseline.source,
        "size": list(baseline.size),
        "classes": baseline.classes,
        "method": baseline.method,
        "commit": baseline.commit,
        "versions": baseline.versions,
        "columns": _COLUMNS,
        "variants": {name: _cost_to_json(baseline.costs[name]) for name in sorted(baseline.costs)},
    }


def _cost_to_json(cost: Cost) -> dict[str, Any]:
    """In the order of the pass, whichever variant of a backbone was counted first."""
    data = cost.to_json()
    parts = [*(part for part in data["work"] if part in data["weights"]), *sorted(data["weights"])]
    return data | {
        "weights": {part: data["weights"][part] for part in dict.fromkeys(parts)},
        "unknown_operators": dict(sorted(cost.unknown.items())),
    }


def _from_json(data: Mapping[str, Any]) -> CostBaseline:
    width, height = data["size"]
    baseline = CostBaseline(
        source=str(data["source"]),
        size=(width, height),
        classes=data["classes"],
        method=data["method"],
        commit=str(data["commit"]),
        versions={str(name): str(version) for name, version in data["versions"].items()},
        costs={name: _cost_from_json(name, cost) for name, cost in data["variants"].items()},
    )
    if not all(_is_count(value) and value > 0 for value in (width, height, baseline.classes, baseline.method)):
        raise ValueError("size, classes and method are whole numbers above 0")
    return baseline


def _cost_from_json(name: str, data: Mapping[str, Any]) -> Cost:
    cost = cost_from_json(data)
    work = [value for operators in cost.work.values() for work in operators.values() for value in astuple(work)]
    stored = [
        value for operators in cost.weights.values() for weights in operators.values() for value in astuple(weights)
    ]
    if not all(map(_is_count, [*work, *stored, *cost.unknown.values(), cost.peak.live_bytes])):
        raise ValueError(f"a figure of {name} is no whole number from 0")
    return cost


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _without_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping in which no key stands twice, as a merge leaves it."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} stands in it twice")
    return found


def _layout(value: Any, indent: str = "") -> str:
    """JSON with a line for each key and each list."""
    if not isinstance(value, dict) or not value:
        return json.dumps(value, ensure_ascii=False)
    deeper = indent + " "
    lines = [f"{deeper}{json.dumps(str(key))}: {_layout(item, deeper)}" for key, item in value.items()]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
