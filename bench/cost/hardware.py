"""Hardware profiles: what a machine can do at most, by its maker's word or measured by `bench calibrate`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import UserError, did_you_mean
from bench.storage.records import ProcessRecord
from bench.system.machine import machine_id

HERE = "here"
"""Names the profile that was measured on this machine."""
_NAMED = Path(__file__).with_name("hardware.json")
_SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class HardwareProfile:
    """Peak multiply-adds and bytes a second in float32, and where they come from.

    gpu: part of the GPU's name in records; None for a CPU. machine_id, threads: of the CPU that was measured.
    """

    name: str
    label: str
    macs_per_s: float
    bytes_per_s: float
    source: str
    gpu: str | None = None
    machine_id: str | None = None
    threads: int | None = None

    def measured_here(self, record: ProcessRecord) -> bool:
        """Whether a latency record is of this hardware, and of what a roofline is about: eager PyTorch in float32."""
        setting = record.setting
        what = setting.runtime, setting.precision, setting.batch
        if what != ("eager", "float32", 1):
            return False
        if self.gpu is not None:
            return setting.device == "cuda" and self.gpu in (record.machine["gpu"] or "")
        own = record.machine_id == self.machine_id and setting.threads == self.threads
        return setting.device == "cpu" and own


def named_profiles() -> dict[str, HardwareProfile]:
    """The profiles that ship, from data sheets; a multiply-add is two FLOPs."""
    rows = json.loads(_NAMED.read_text(encoding="utf-8"))
    return {
        row["name"]: HardwareProfile(
            name=row["name"],
            label=row["label"],
            macs_per_s=row["tera_flops"] * 1e12 / 2,
            bytes_per_s=row["gigabytes_per_s"] * 1e9,
            source=row["source"],
            gpu=row["gpu"],
        )
        for row in rows
    }


def find_profile(name: str, results: Path) -> HardwareProfile:
    """A profile that ships, or `here`: the newest one measured on this machine below `results`.

    Raises:
        UserError: there is none of that name.
    """
    named = named_profiles()
    if name in named:
        return named[name]
    if name == HERE:
        return _calibrated(results)
    known = [*named, HERE]
    raise UserError(f"hardware {name!r} is not one of {', '.join(known)}.{did_you_mean(name, known)}")


def calibration_path(results: Path, threads: int) -> Path:
    """Where the calibration of this machine goes."""
    return results / "hardware" / f"{machine_id()}-{threads}-threads.json"


def write_calibration(path: Path, data: Mapping[str, Any]) -> None:
    """Keep a calibration.

    Raises:
        UserError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"schema_version": _SCHEMA, **data}, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}. Pass --results FOLDER.") from None


def _calibrated(results: Path) -> HardwareProfile:
    """The one thread count that latencies are measured with comes first."""
    paths = sorted((results / "hardware").glob(f"{machine_id()}-*-threads.json"))
    if not paths:
        raise UserError(f"this machine ({machine_id()}) was not calibrated. Run `bench calibrate` first.")
    path = paths[0]
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["schema_version"] != _SCHEMA:
            raise UserError(f"{path} has schema version {data['schema_version']}; run `bench calibrate` again.")
        threads = int(data["threads"])
        label = f"{data['machine']['cpu']}, {threads} thread{'s' if threads > 1 else ''}, float32"
        source = f"bench calibrate on this machine, {data['measured']}"
        return HardwareProfile(
            name=HERE,
            label=label,
            macs_per_s=float(data["macs_per_s"]),
            bytes_per_s=float(data["bytes_per_s"]),
            source=source,
            gpu=None,
            machine_id=data["machine_id"],
            threads=threads,
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{path} is broken. `bench calibrate --threads 1` writes it anew.") from None
