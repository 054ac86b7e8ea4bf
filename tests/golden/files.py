"""Golden files: lines of an id and JSON text; and how two states of them differ."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
Lines = dict[str, str]
"""JSON text by id. Texts are compared, for to Python 1, 1.0 and True are equal."""
Golden = dict[str, Lines]
"""Lines by the name of their file, without its suffix."""
SHARED = {"setting": "settings", "spec": "specs", "versions": "versions"}
"""The files of what many records have in common. A record holds its digest."""
_SUFFIX = ".txt"


def canonical(value: Any) -> str:
    """One line of JSON with sorted names; floats with all digits."""
    return json.dumps(value, sort_keys=True, allow_nan=False)


def digest(data: str | bytes) -> str:
    """12 hex digits of the SHA-256."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()[:12]


def read_golden(folder: Path = FOLDER) -> Golden:
    """Read all golden files below a folder."""
    return {
        path.relative_to(folder).with_suffix("").as_posix(): _read_lines(path)
        for path in sorted(folder.rglob(f"*{_SUFFIX}"))
    }


def write_golden(golden: Golden, folder: Path = FOLDER) -> None:
    """Write golden files; one without lines is removed."""
    for name, lines in golden.items():
        path = folder / f"{name}{_SUFFIX}"
        if lines:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{key} {text}\n" for key, text in lines.items()), encoding="utf-8")
        else:
            path.unlink(missing_ok=True)


def _read_lines(path: Path) -> Lines:
    found = [line.partition(" ")[::2] for line in path.read_text(encoding="utf-8").splitlines()]
    lines = dict(found)
    assert len(lines) == len(found), f"{path} holds an id twice"
    return lines


@dataclass(frozen=True)
class Difference:
    """An entry of a golden file that is now another, lost, or new.

    was, now: JSON texts; None where there is none. changes: from one to the other, field by field.
    doubled: the entry is new, and a copy of one that is there.
    """

    file: str
    key: str
    was: str | None
    now: str | None
    changes: tuple[str, ...]
    doubled: bool

    @property
    def is_new(self) -> bool:
        """Whether the golden file can take it without a change of what is there."""
        return self.was is None and not self.doubled

    @property
    def kind(self) -> str:
        """The golden file; of records all files together."""
        return self.file.partition("/")[0]

    def __str__(self) -> str:
        if self.was is None:
            what = "is there twice" if self.doubled else "has no golden entry"
        elif self.now is None:
            what = "is lost"
        else:
            what = "; ".join(self.changes) or f"{self.was} -> {self.now}"
        return f"{self.file} {self.key}: {what}"


def differences(golden: Golden, now: Golden) -> list[Difference]:
    """Compare two states, file by file."""
    found = []
    for file in sorted(golden.keys() | now.keys()):
        before, after = golden.get(file, {}), now.get(file, {})
        for key in dict.fromkeys([*before, *after]):
            was, to = before.get(key), after.get(key)
            if was != to:
                changes = _changes(_whole(was, golden), _whole(to, now)) if was and to else ()
                found.append(Difference(file, key, was, to, tuple(changes), _is_copy(key, after)))
    return found


def numbered(key: str, lines: Lines) -> str:
    """The id of one more entry of a key: the key, then key#2, key#3: a record that was measured again."""
    count = 1
    while (name := key if count == 1 else f"{key}#{count}") in lines:
        count += 1
    return name


def _whole(text: str, golden: Golden) -> Any:
    """An entry with what it shares with others in the place of the digests."""
    value = json.loads(text)
    if not isinstance(value, dict):
        return value
    return value | {name: json.loads(golden[file][value[name]]) for name, file in SHARED.items() if name in value}


def _is_copy(key: str, lines: Lines) -> bool:
    first, hash_sign, count = key.partition("#")
    if not hash_sign or not count.isdecimal():
        return False
    before = [first, *(f"{first}#{i}" for i in range(2, int(count)))]
    return key in lines and lines[key] in [lines.get(other) for other in before]


def _changes(was: Any, now: Any, place: str = "") -> Iterator[str]:
    if isinstance(was, dict) and isinstance(now, dict):
        for name in dict.fromkeys([*was, *now]):
            inner = f"{place}.{name}" if place else name
            if name not in now:
                yield f"{inner} {canonical(was[name])} is lost"
            elif name not in was:
                yield f"{inner} {canonical(now[name])} is new"
            else:
                yield from _changes(was[name], now[name], inner)
    elif canonical(was) != canonical(now):
        yield f"{place} {canonical(was)} -> {canonical(now)}".strip()
