"""YAML with line numbers: what a file says, and in which line each key and item stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from bench.errors import UserError

Place = tuple[str | int, ...]
"""Keys and indices from the top of the file to a value."""
_MOST_VALUES = 100_000
"""Far more than a person writes. A few lines of anchors in anchors say billions."""
_MOST_NESTED = 100
"""Levels; far more than any key needs, and far fewer than Python follows."""
_MOST_BITS = 1024
"""Of a whole number: the largest that a float can hold."""


@dataclass(frozen=True)
class YamlFile:
    """The content of a file and the line, from 1, of each place in it."""

    path: Path
    content: Any
    lines: dict[Place, int]

    def at(self, place: Place) -> str:
        """`path:line` of a place, or of the closest place above it that stands in the file."""
        while place and place not in self.lines:
            place = place[:-1]
        return f"{self.path}:{self.lines[place]}" if place in self.lines else str(self.path)


def read_yaml(path: Path) -> YamlFile:
    """Read a file.

    Raises:
        UserError: it cannot be read, is not YAML, has a key twice, or says more than could be used.
    """
    file = YamlFile(path, None, {})
    try:
        text = path.read_text(encoding="utf-8")
        node = _parse(text, _Loader.get_single_node)
        if node is not None:
            _walk(node, (), file, ())  # first: what it refuses could take for ever to load
        return replace(file, content=load_yaml(text))
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{path}{line} is not YAML: {' '.join(str(error.problem or error).split())}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None


def load_yaml(text: str) -> Any:
    """The value that a text says.

    Raises:
        yaml.YAMLError: it is not YAML, holds a value that is none, or is nested too deep.
    """
    return _parse(text, _Loader.get_single_data)


class _Loader(yaml.SafeLoader):
    """Says where a value stands that is none: 30 February, a `!!bool` that is neither, a number beyond all use."""

    def fetch_more_tokens(self) -> None:
        if self.flow_level + len(self.indents) > _MOST_NESTED:  # the time that reading takes grows with its square
            raise yaml.scanner.ScannerError(None, None, "it is nested too deep", self.get_mark())
        try:
            super().fetch_more_tokens()
        except (OverflowError, ValueError):
            problem = "an escape is of no character, or a version is no number"
            raise yaml.scanner.ScannerError(None, None, problem, self.get_mark()) from None

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
            if isinstance(value, int) and value.bit_length() > _MOST_BITS:
                raise OverflowError
        except (ArithmeticError, AttributeError, LookupError, ValueError):
            kind = node.tag.rpartition(":")[-1]
            problem = f"{str(node.value)[:40]!r} is no {kind}; quote it if it is text"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None
        return value


def _parse(text: str, read: Callable[[_Loader], Any]) -> Any:
    loader = _Loader(text)
    try:
        return read(loader)
    except RecursionError:
        raise yaml.YAMLError("it is nested too deep") from None
    finally:
        loader.dispose()


def _walk(node: yaml.Node, place: Place, file: YamlFile, above: tuple[yaml.Node, ...]) -> None:
    if len(file.lines) > _MOST_VALUES:
        raise UserError(
            f"{file.path}:{node.start_mark.line + 1}: more than {_MOST_VALUES:,} values, with those that anchors "
            "repeat; take some out"
        )
    if any(node is other for other in above):
        raise UserError(f"{file.path}:{node.start_mark.line + 1}: an anchor stands inside itself; write its value out")
    if len(above) > _MOST_NESTED:
        raise UserError(f"{file.path}:{node.start_mark.line + 1}: nested too deep, more than {_MOST_NESTED} levels")
    above = (*above, node)
    file.lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*place, index), file, above)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise UserError(f"{file.path}:{key.start_mark.line + 1}: a key is a list or a mapping; write one word")
            inner = (*place, str(key.value))
            if inner in file.lines:
                raise UserError(
                    f"{file.path}:{key.start_mark.line + 1}: {key.value} stands here and in line {file.lines[inner]}; "
                    "keep one"
                )
            file.lines[inner] = key.start_mark.line + 1
            _walk(value, inner, file, above)
