"""Record: one measurement of one variant under one setting on one machine."""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_serializer

from bench.errors import UserError
from bench.metrics import implausible
from bench.settings.accuracy import RANDOM, AccuracySetting
from bench.settings.adaptation import AdaptationSetting
from bench.settings.base import Setting
from bench.settings.cost import CostSetting
from bench.settings.latency import LatencySetting, ProcessSetting, StepSetting

SCHEMA = 1
Status = Literal["ok", "failed", "paused"]
"""Paused: a training that stands at an epoch before its last: no metrics, and a checkpoint that it goes on from."""
Group = Literal["cost", "latency", "accuracy", "adaptation"]
GROUPS: tuple[Group, ...] = ("cost", "accuracy", "latency")
"""Of a sweep, in the order in which it measures them: a latency runs the weights that a training left."""
_LARGE = re.compile(r"[:,\[\s]-?\d[\d.]*[eE]\+?\d\d|\d{299}")
"""What a number that no float holds has, such as 1e999: a large exponent, many digits, or some of both.

Hash values have it too, but stand in quotation marks.
"""


class _Record(BaseModel):
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
    setting: Setting
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

    @field_serializer("setting")
    def _as_hashed(self, setting: Setting) -> dict[str, Any]:
        return setting.to_json()

    def to_line(self) -> str:
        """One line of JSON, without the line end."""
        return json.dumps(self.model_dump(mode="json"), allow_nan=False, separators=(",", ":"))


class CostRecord(_Record):
    """Of counting a variant."""

    group: Literal["cost"] = "cost"
    setting: CostSetting


class AccuracyRecord(_Record):
    """Of training and evaluating a variant."""

    group: Literal["accuracy"] = "accuracy"
    setting: AccuracySetting


class LatencyRecord(_Record):
    """Of timing a variant: alone, or with a step before it."""

    group: Literal["latency"] = "latency"
    setting: LatencySetting


class ProcessRecord(LatencyRecord):
    """Of timing a variant in one process of several."""

    setting: ProcessSetting


class StepRecord(LatencyRecord):
    """Of timing a pre-processing step with a network behind it."""

    setting: StepSetting


class AdaptationRecord(_Record):
    """Of adapting a variant to new images, and of a step before it."""

    group: Literal["adaptation"] = "adaptation"
    setting: AdaptationSetting


Record = CostRecord | AccuracyRecord | ProcessRecord | StepRecord | AdaptationRecord
AnySetting = CostSetting | AccuracySetting | ProcessSetting | StepSetting | AdaptationSetting
_RECORDS: dict[type[Setting], type[Record]] = {
    CostSetting: CostRecord,
    AccuracySetting: AccuracyRecord,
    ProcessSetting: ProcessRecord,
    StepSetting: StepRecord,
    AdaptationSetting: AdaptationRecord,
}
_SETTINGS: dict[str, type[AnySetting]] = {
    "cost": CostSetting,
    "accuracy": AccuracySetting,
    "adaptation": AdaptationSetting,
}


def record_of(setting: AnySetting, **fields: Any) -> Record:
    """The record of a measurement under this setting, which decides its group.

    Args:
        fields: the others, by the names of a record.

    Raises:
        ValidationError: fields that are missing or of another type.
    """
    return _RECORDS[type(setting)](setting=setting, **fields)


def read_record(data: dict[str, Any]) -> Record:
    """The record that this JSON is, of today's form or of an older one.

    Raises:
        ValidationError: it is none.
    """
    setting = data.get("setting")
    if not isinstance(setting, dict):
        return CostRecord.model_validate(data)  # which says what is missing
    kind = _SETTINGS.get(str(data.get("group")), StepSetting if "step" in setting else ProcessSetting)
    return _RECORDS[kind].model_validate(data | {"setting": _of_today(kind, setting)})


def _of_today(kind: type[AnySetting], setting: dict[str, Any]) -> dict[str, Any]:
    """A setting of before some of its fields, with what they would have said; the key stays that of the old form.

    Method 1 of training was in float32. Method 1 of the clock was eager PyTorch after a fixed number of passes, from an
    image to logits at its size, of random weights.
    """
    if kind is AccuracySetting:
        return {"precision": "float32"} | setting
    if kind is ProcessSetting and "iterations" in setting:
        new = {"samples": setting["iterations"], "runtime_versions": {}, "weights_of": RANDOM}
        return new | {name: value for name, value in setting.items() if name not in ("iterations", "warmup")}
    return setting


def parse_line(line: str, place: str) -> Record:
    """Read one line.

    Args:
        line: JSON text.
        place: file and line number, for the error.

    Raises:
        ValueError: the line is not whole JSON (a write was cut off).
        UserError: another schema version, fields that a record does not have, numbers that cannot be, or nested too
            deep to be read.
    """
    try:
        data = json.loads(line, parse_constant=_refuse_constant)
    except _NotFiniteError as error:
        raise UserError(_not_measured(place, str(error))) from None
    except RecursionError:
        raise UserError(_not_measured(place, "it is nested too deep to be read")) from None
    found = data.get("schema_version") if isinstance(data, dict) else None
    if found != SCHEMA:
        raise UserError(
            f"{place}: record of schema version {found}; this version of bench reads {SCHEMA}. "
            "Move the file away and sweep again, or use the bench version that wrote it."
        )
    try:
        record = read_record(data)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise UserError(f"{place}: not a record: {where}: {problem['msg']}") from None
    fault = implausible(record.metrics) or _overflow(line, data)
    if fault:
        raise UserError(_not_measured(place, fault))
    return record


class _NotFiniteError(Exception):
    """A word such as Infinity stands where JSON has a number. No ValueError: that says the line was cut off."""


def _refuse_constant(word: str) -> float:
    raise _NotFiniteError(f"it holds {word}, which is not a finite number")


def _overflow(line: str, data: dict[str, Any]) -> str:
    """Name a number below `details` or elsewhere that reads as infinite; "" where there is none."""
    if not _LARGE.search(line):
        return ""
    waiting: list[tuple[str, Any]] = list(data.items())
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, float) and not math.isfinite(value):
            return f"{place} is {value}, which is not a finite number"
        if isinstance(value, dict | list):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            waiting += [(f"{place}.{name}", item) for name, item in items]
    return ""


def _not_measured(place: str, fault: str) -> str:
    return f"{place}: {fault}, so nothing measured it. Restore the line from git, or delete it and sweep again."


def make_key(**parts: Any) -> str:
    """16 hex digits over everything that can change a result."""
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
