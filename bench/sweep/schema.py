"""JSON Schema of the space file, for editors: pydantic's for the protocol, the axes' own for the axes."""

from __future__ import annotations

from typing import Any

from bench.sweep.spacefile import SpaceFile
from variants.axes import Axis
from variants.context import CONTEXTS
from variants.spec import CORE_AXES, option_axes

_ID = "https://json-schema.org/draft/2020-12/schema"


def space_schema() -> dict[str, Any]:
    """The schema, with the axes that the installed context blocks declare."""
    schema = SpaceFile.model_json_schema()
    product = {
        "type": "object",
        "additionalProperties": False,
        "properties": {axis.name: _values(axis.schema(), axis.summary, axis.default) for axis in CORE_AXES}
        | {name: _option_values(name, axis, contexts) for name, (axis, contexts) in option_axes().items()},
    }
    schema["$schema"] = _ID
    schema["title"] = "Search space of bench"
    schema["$defs"]["Axes"] = product
    reference = {"$ref": "#/$defs/Axes"}
    schema["properties"]["axes"] = {
        "description": "One product of axes, or a list of products that are measured together.",
        "anyOf": [reference, {"type": "array", "items": reference}],
    }
    schema["required"] = [name for name in schema.get("required", []) if name != "name"]  # the file's own name
    return schema


def _option_values(name: str, axis: Axis, contexts: list[str]) -> dict[str, Any]:
    """An axis of context blocks: any value that one of them takes, and the default of each."""
    declared = {context: a for context in contexts for a in CONTEXTS[context].axes if a.name == name}
    kinds = [a.schema() for a in declared.values()]
    distinct = [kind for i, kind in enumerate(kinds) if kind not in kinds[:i]]
    defaults = ", ".join(f"{context} {a.default}" for context, a in declared.items() if a.default is not None)
    words = f"{axis.summary}. Applies to context {', '.join(contexts)}." + (
        f" Default: {defaults}." if defaults else ""
    )
    return _values(distinct[0] if len(distinct) == 1 else {"anyOf": distinct}, words, None)


def _values(value: dict[str, Any], summary: str, default: Any) -> dict[str, Any]:
    """A list of values, or values with a condition on other axes."""
    values = {"type": "array", "items": value, "minItems": 1}
    described: dict[str, Any] = {"description": summary}
    if default is not None:
        described["description"] += f" (default: {list(default) if isinstance(default, tuple) else default})"
    condition = {"type": "object", "description": "only where each of these axes has one of these values"}
    conditional = {
        "type": "object",
        "additionalProperties": False,
        "required": ["values"],
        "properties": {"values": values, "when": condition},
    }
    return described | {"anyOf": [values, conditional]}
