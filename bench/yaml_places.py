"""YAML with line numbers: what a file says, and in which line each key and item stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.errors import UserError

Place = tuple[str | int, ...]
"""Keys and indices from the top of the file to a value."""


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
        UserError: it cannot be read, is not YAML, or has a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, yaml.SafeLoader)
        file = YamlFile(path, yaml.safe_load(text), {})
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{path}{line} is not YAML: {' '.join(str(error.problem or error).split())}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    except ValueError as error:  # of a value that YAML reads as a date that is none
        raise UserError(f"{path} holds a value that is none: {error}. Quote it if it is text.") from None
    if node is not None:
        _walk(node, (), file, ())
    return file


def _walk(node: yaml.Node, place: Place, file: YamlFile, above: tuple[yaml.Node, ...]) -> None:
    if any(node is other for other in above):
        raise UserError(f"{file.path}:{node.start_mark.line + 1}: an anchor stands inside itself; write its value out")
    above = (*above, node)
    file.lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*place, index), file, above)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, str(key.value))
            if inner in file.lines:
                raise UserError(
                    f"{file.path}:{key.start_mark.line + 1}: {key.value} stands here and in line {file.lines[inner]}; "
                    "keep one"
                )
            file.lines[inner] = key.start_mark.line + 1
            _walk(value, inner, file, above)
