"""Record: one measurement of one variant under one setting on one machine."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from bench.errors import UserError

SCHEMA = 1
Status = Literal["ok", "failed", "paused"]
"""Paused: a training that stands at an epoch before its last: no metrics, and a checkpoint that it goes on from."""
Group = Literal["cost", "latency", "accuracy", "adaptation"]
GROUPS: tuple[Group, ...] = ("cost", "accuracy", "latency")
"""Of a sweep, in the order in which it measures them: a latency runs the weights that a training left."""


class Record(BaseModel):
    """What was measured, with what, where and when; or why it was not.

    `key` names everything that can change the result: variant, code, setting, and for a latency
    also machine and versions. Two records of one key are the same measurement.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA
    key: str
    group: Group
    variant: str
    spec_hash: str
    spec: dict[str, Any]
    setting: dict[str, Any]
    words: dict[str, str] = {}
    """The setting for readers; no key depends on it."""
    status: Status
    reason: str | None = None
    """Why it failed, or why a training does not go on."""
    metrics: dict[str, float] = {}
    details: dict[str, Any] = {}
    """Raw samples, confusion matrices, class IoUs: what the metrics were made of."""
    machine: dict[str, Any]
    machine_id: str
    versions: dict[str, str]
    commit: str
    started: str
    """UTC, ISO 8601."""
    seconds: float

    def to_line(self) -> str:
        """One line of JSON, without the line end."""
        return json.dumps(self.model_dump(mode="json"), allow_nan=False, separators=(",", ":"))


def parse_line(line: str, place: str) -> Record:
    """Read one line.

    Args:
        line: JSON text.
        place: file and line number, for the error.

    Raises:
        ValueError: the line is not whole JSON (a write was cut off).
        UserError: another schema version, or fields that a record does not have.
    """
    data = json.loads(line)
    found = data.get("schema_version") if isinstance(data, dict) else None
    if found != SCHEMA:
        raise UserError(
            f"{place}: record of schema version {found}; this version of bench reads {SCHEMA}. "
            "Move the file away and sweep again, or use the bench version that wrote it."
        )
    try:
        return Record.model_validate(data)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise UserError(f"{place}: not a record: {where}: {problem['msg']}") from None


def make_key(**parts: Any) -> str:
    """16 hex digits over everything that can change a result."""
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
