"""What is wrong with a YAML file, in the words of its user: file, line, key, fact, value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from bench.errors import did_you_mean
from bench.yaml_file import Place, YamlFile

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_KINDS = {
    "model_type": "a mapping of keys",
    "dict_type": "a mapping of keys",
    "tuple_type": "a list",
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}
"""pydantic's kinds of problem with a value's type, and what the value should have been."""


_TYPE = re.compile(r"\[|^constrained-")
"""What names of types have, and few keys."""


def problems_in_words(file: YamlFile, model: type[BaseModel], error: ValidationError, described_by: str) -> str:
    """All problems that `model` found in the file, one sentence a place.

    described_by: what tells which keys there are, such as "`bench schema`".
    """
    by_place: dict[Place, list[ErrorDetails]] = {}
    for problem in error.errors():
        by_place.setdefault(_place(problem, file.content), []).append(problem)
    # A union reports every reading of a value; the one that got deepest is the one that was meant.
    deepest = [p for p in by_place if not any(q[: len(p)] == p != q for q in by_place)]
    return "; ".join(
        _words(file, model, place=place, problems=by_place[place], described_by=described_by) for place in deepest
    )


def _place(problem: ErrorDetails, content: Any) -> Place:
    """Where the problem is, without the names of types that pydantic adds for a union."""
    place: list[str | int] = []
    for part in problem["loc"]:
        is_key = isinstance(content, dict) and part in content
        if is_key or not _TYPE.search(str(part)):
            place.append(part)
            content = content[part] if is_key or _is_index(part, content) else None
    return tuple(place)


def _is_index(part: str | int, content: Any) -> bool:
    return isinstance(content, list) and isinstance(part, int) and part < len(content)


def _words(
    file: YamlFile, model: type[BaseModel], place: Place, problems: list[ErrorDetails], described_by: str
) -> str:
    key = ".".join(map(str, place))
    where = f"{file.at(place)}: {key}" if key else str(file.path)
    problem = problems[0]
    if problem["type"] == "extra_forbidden":
        return f"{where} is not a key here; {_known_keys(model, place)} {described_by} describes them."
    if problem["type"] == "missing":
        return f"{where} is missing. {described_by} describes it."
    if problem["type"] in _KINDS:
        kinds = " or ".join(_KINDS[p["type"]] for p in problems if p["type"] in _KINDS)
        return f"{where} should be {kinds} (got {problem['input']!r})"
    said = problem["msg"].removeprefix("Value error, ").removeprefix("Input ").removeprefix("String ")
    if said.startswith("should "):
        return f"{where} {said} (got {problem['input']!r})"
    return f"{where}: {said}"


def _known_keys(model: type[BaseModel], place: Place) -> str:
    known = list(_section(model, place[:-1]).model_fields)
    hint = did_you_mean(str(place[-1]), known)
    return f"there are {', '.join(known)}.{hint}"


def _section(model: type[BaseModel], place: Place) -> type[BaseModel]:
    """The model of the section that `place` leads to."""
    for part in place:
        annotation: Any = model.model_fields[str(part)].annotation
        candidates = [annotation, *get_args(annotation)]
        model = next(c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel))
    return model
