"""results/<sweep>/<machine>.jsonl: append-only, one record a line, safe against a kill."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from bench.errors import DiskError, UserError
from bench.storage.atomic_files import cannot_write, replacing
from bench.storage.records import SCHEMA, Record, parse_line

LOCK_NAME = ".lock"
"""In the folder of the records while something is measured into it."""
_PLAN = "plan.json"
FOLDER = "adapt"
"""Of adaptations, below the folder of all sweeps."""
PREFIX = f"{FOLDER}/"


@dataclass(frozen=True)
class Plan:
    """What the newest run of a sweep consists of.

    Attributes:
        keys: Of its records, in its order.
        chosen_by: How a search or a limit chose the variants, in words; empty: they are all of its space.
    """

    keys: list[str]
    chosen_by: str = ""


class Store:
    """The records below one results folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def sweeps(self) -> list[str]:
        """Names of the sweeps that have records, sorted."""
        if not self.root.is_dir():
            return []
        return sorted({path.parent.name for path in self.root.glob("*/*.jsonl")})

    def read(self, sweep: str = "*") -> list[Record]:
        """All records of a sweep, or of all sweeps, oldest first in each file.

        What stands behind the last line end was cut off by a kill and is skipped; the next `append`
        takes it away.

        Raises:
            UserError: a whole line is broken, or of another schema version.
        """
        return [record for path in sorted(self.root.glob(f"{sweep}/*.jsonl")) for record in _read_file(path)]

    def read_by_sweep(self) -> dict[str, list[Record]]:
        """All records, by sweep, each file read once.

        Raises:
            UserError: as `read`.
        """
        return {sweep: self.read(sweep) for sweep in self.sweeps()}

    def read_known(self, sweep: str) -> list[Record]:
        """As `read`, of a sweep that must be there.

        Raises:
            UserError: also where there are no records of it.
        """
        records = self.read(sweep) if sweep in self.sweeps() else []
        if not records:
            raise self.unknown(sweep)
        return records

    def unknown(self, sweep: str) -> UserError:
        """The error of a sweep without records."""
        known = ", ".join(self.sweeps()) or "none"
        return UserError(f"{self.root} holds no records of {sweep!r}; it holds: {known}.")

    def append(self, sweep: str, record: Record) -> None:
        """Write one record durably: it is on the disk when this returns.

        Raises:
            DiskError: the disk is full or the folder cannot be written; what was there is whole.
        """
        path = self._path(sweep, record.machine_id)
        try:
            _append_line(path, record.to_line())
        except OSError as error:
            raise cannot_write(path, error.strerror or str(error)) from None

    def write_plan(self, sweep: str, keys: list[str], chosen_by: str = "") -> None:
        """Keep the keys that the newest sweep consists of: they decide what a report shows.

        Args:
            chosen_by: how a search or a limit chose the variants, in words.

        Raises:
            DiskError: the disk is full or the folder cannot be written; the plan before is whole.
        """
        plan = {"schema_version": SCHEMA, **({"chosen_by": chosen_by} if chosen_by else {}), "keys": keys}
        with replacing(self.root / sweep / _PLAN) as new:
            new.write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")

    def read_plan(self, sweep: str) -> Plan:
        """What the newest run of a sweep consists of.

        Raises:
            UserError: there is none, or it cannot be read.
        """
        path = self.root / sweep / _PLAN
        try:
            plan: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if plan["schema_version"] != SCHEMA:
                raise UserError(f"{path} has schema version {plan['schema_version']}; this bench reads {SCHEMA}.")
            if not isinstance(plan["keys"], list):
                raise TypeError
        except (OSError, ValueError, KeyError, TypeError):
            raise UserError(
                f"{path} is missing or broken. `bench sweep` with the space of {sweep!r} writes it."
            ) from None
        return Plan([str(key) for key in plan["keys"]], str(plan.get("chosen_by", "")))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the results for this process: nothing is measured twice, no latency beside a training.

        Raises:
            UserError: another process sweeps into them.
            DiskError: the folder cannot be written.
        """
        path = self.root / LOCK_NAME
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = path.open("w")
        except OSError as error:
            raise DiskError(f"cannot write {path.parent}: {error.strerror}. Pass --results FOLDER.") from None
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    f"another process sweeps into {self.root}. Wait for it: beside it no latency could be trusted."
                ) from None
            yield

    def _path(self, sweep: str, machine_id: str) -> Path:
        return self.root / sweep / f"{machine_id}.jsonl"


@dataclass(frozen=True)
class Line:
    """A record and where it stands in its file, in bytes; the line end is not of its length."""

    record: Record
    start: int
    length: int


def read_lines(file: BinaryIO, path: Path) -> Iterator[Line]:
    """The whole lines of a file of records, one by one; what stands behind the last line end is skipped.

    Raises:
        UserError: a whole line is broken, or of another schema version.
    """
    start = 0
    for number, line in enumerate(file, start=1):
        if not line.endswith(b"\n"):
            return
        try:
            record = parse_line(line.decode(errors="replace"), f"{path}:{number}")
        except ValueError:
            raise UserError(f"{path}:{number}: broken line. Delete that line; the sweep measures it again.") from None
        yield Line(record, start, len(line) - 1)
        start += len(line)


def _read_file(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        yield from (line.record for line in read_lines(file, path))


def _append_line(path: Path, line: str) -> None:
    """Append whole or not at all: a half-written line, now or from before, is cut away."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as handle:
        end = _end_of_last_whole_line(handle.fileno())
        os.ftruncate(handle.fileno(), end)
        try:
            _write_all(handle.fileno(), line.encode() + b"\n")
            os.fsync(handle.fileno())
        except OSError:
            os.ftruncate(handle.fileno(), end)
            raise


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _end_of_last_whole_line(descriptor: int, chunk: int = 65536) -> int:
    """Offset just behind the last line end; 0 where there is none."""
    end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - chunk)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def adaptations_in(results: Path) -> Store:
    """Their records, below the folder of all sweeps."""
    return Store(results / FOLDER)
