"""Axes: what may vary in a variant. One object an axis: its values, its default, its part of the name.

Each kind of axis checks a value, writes it into a name, reads it back, and describes itself as JSON
Schema; so a new axis is one line where it is declared.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from variants.suggest import did_you_mean

Value = int | float | str | tuple[int, ...]
_WHOLE = "[0-9]{1,300}"
"""As a name has it; Python refuses to read more than 4300 digits."""
_NUMBER = rf"{_WHOLE}(?:\.[0-9]+)?"


@dataclass(frozen=True, kw_only=True)
class Axis(ABC):
    """One axis. `default` None: a value must be given. `tag`: its word in names."""

    name: str
    summary: str
    tag: str = ""
    default: Value | None = None

    @abstractmethod
    def check(self, value: Any) -> Value:
        """Return the value in its one form.

        Raises:
            ValueError: not a value of this axis; the message names the axis, the value and the range.
        """

    @abstractmethod
    def token(self, value: Value) -> str:
        """The value as a word of a name."""

    @abstractmethod
    def read(self, token: str) -> Value | None:
        """The value that a word of a name says; None where it is not of this axis."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """JSON Schema of one value."""


@dataclass(frozen=True, kw_only=True)
class Number(Axis):
    """A number between `low` and `high`, written TAG then digits: `depth2`, `t0.05`."""

    low: float
    high: float
    whole: bool = True

    def check(self, value: Any) -> Value:
        number_type = int if self.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, number_type):
            raise ValueError(f"{self.name} {value!r} is not a {'whole ' if self.whole else ''}number")
        if not self.low <= value <= self.high:
            raise ValueError(f"{self.name} {value!r} is not between {self.low:g} and {self.high:g}")
        return value if self.whole else float(value)

    def token(self, value: Value) -> str:
        return self.tag + _plain(value)

    def read(self, token: str) -> Value | None:
        match = re.fullmatch(rf"{self.tag}({_NUMBER})", token)
        if not match:
            return None
        return float(match[1]) if not self.whole or "." in match[1] else int(match[1])

    def schema(self) -> dict[str, Any]:
        return {"type": "integer" if self.whole else "number", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, kw_only=True)
class Choice(Axis):
    """One of some words, written word then TAG: `maxpool`."""

    options: Callable[[], tuple[str, ...]]
    """A function, because packages from outside may add some."""
    plural: str = ""
    """What `bench list` calls them, where it lists them."""

    def check(self, value: Any) -> Value:
        known = self.options()
        if value not in known:
            hint = did_you_mean(str(value), known)
            shown = f"`bench list {self.plural}` shows them." if self.plural else ""
            raise ValueError(f"{self.name} {value!r} is not one of {', '.join(known)}.{hint} {shown}".rstrip())
        return str(value)

    def token(self, value: Value) -> str:
        return f"{value}{self.tag}"

    def read(self, token: str) -> Value | None:
        word = token.removesuffix(self.tag)
        return word if token.endswith(self.tag) and word in self.options() else None

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.options())}


@dataclass(frozen=True, kw_only=True)
class Stride(Axis):
    """One of some strides, written TAG then digits: `s16`."""

    strides: tuple[int, ...]

    def check(self, value: Any) -> Value:
        if isinstance(value, bool) or value not in self.strides:
            raise ValueError(f"{self.name} {value!r} is not one of {', '.join(map(str, self.strides))}")
        return int(value)

    def token(self, value: Value) -> str:
        return f"{self.tag}{value}"

    def read(self, token: str) -> Value | None:
        match = re.fullmatch(rf"{self.tag}({_WHOLE})", token)
        return int(match[1]) if match else None

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.strides)}


@dataclass(frozen=True, kw_only=True)
class Stages(Axis):
    """Ascending stages out of 1 to 4, or none, written TAG then digits: `frm1234`."""

    def check(self, value: Any) -> Value:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{self.name} {value!r} is not a list of stages, such as [3, 4]")
        if any(type(stage) is not int or stage not in (1, 2, 3, 4) for stage in value) or list(value) != sorted(
            set(value)
        ):
            raise ValueError(f"{self.name} {list(value)} are not ascending stages out of 1 to 4")
        return tuple(value)

    def token(self, value: Value) -> str:
        assert isinstance(value, tuple)
        return self.tag + "".join(map(str, value))

    def read(self, token: str) -> Value | None:
        match = re.fullmatch(rf"{self.tag}([1-4]{{1,4}})", token)
        return tuple(map(int, match[1])) if match else None

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"enum": [1, 2, 3, 4]}, "uniqueItems": True, "maxItems": 4}


@dataclass(frozen=True, kw_only=True)
class Width(Axis):
    """Channels, or `xF`: F times the channels of the fused stages together. `w128`, `wx0.5`."""

    low: int = 8
    high: int = 2048

    def check(self, value: Any) -> Value:
        if isinstance(value, str):
            match = re.fullmatch(rf"x({_NUMBER})", value)
            if not match or not 0.01 <= float(match[1]) <= 4:
                raise ValueError(f"{self.name} {value!r} is neither channels nor xF, F from 0.01 to 4, such as x0.5")
            return f"x{_plain(float(match[1]))}"
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"{self.name} {value!r} is neither channels (128) nor a multiple (x0.5)")
        if not self.low <= value <= self.high:
            raise ValueError(f"{self.name} {value} is not between {self.low} and {self.high} channels")
        return value

    def token(self, value: Value) -> str:
        return f"{self.tag}{value}"

    def read(self, token: str) -> Value | None:
        match = re.fullmatch(rf"{self.tag}({_WHOLE}|x{_NUMBER})", token)
        if not match:
            return None
        return match[1] if match[1].startswith("x") else int(match[1])

    def schema(self) -> dict[str, Any]:
        multiple = {"type": "string", "pattern": r"^x[0-9]+(\.[0-9]+)?$"}
        return {"anyOf": [{"type": "integer", "minimum": self.low, "maximum": self.high}, multiple]}


@dataclass(frozen=True, kw_only=True)
class Name(Axis):
    """Free text that fits `pattern`; stands in names as it is."""

    pattern: str

    def check(self, value: Any) -> Value:
        if not isinstance(value, str) or not re.fullmatch(self.pattern, value):
            raise ValueError(f"{self.name} {value!r} is not NAME or NAME@ARGUMENT=VALUE,...")
        return value

    def token(self, value: Value) -> str:
        return str(value)

    def read(self, token: str) -> Value | None:
        return token

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{self.pattern}$"}


def _plain(value: Value) -> str:
    """A number with all its digits, a whole one without a point."""
    return str(value).removesuffix(".0")


def choices(*words: str) -> Callable[[], tuple[str, ...]]:
    """The options of a `Choice` that never change."""
    return lambda: words
