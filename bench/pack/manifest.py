"""What a pack holds, and whether that is what its results folder holds now."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from bench.errors import UserError
from bench.pack.columns import COLUMNS
from bench.storage.atomic_files import replacing
from bench.storage.confusions import FOLDER

PACK = ".packed"
"""The folder of a pack in its results folder."""
_MANIFEST = "manifest.json"
VERSION = 4
"""To be raised when a column means something else than before."""
_MOST_NAMES = 3


@dataclass(frozen=True)
class Stamp:
    """By which a change of a file is seen: bytes, and the time of the last change in nanoseconds."""

    size: int
    mtime_ns: int


@dataclass(frozen=True, kw_only=True)
class PackedFile:
    """One <sweep>/<machine>.jsonl. parquet: its columns, below the pack. digest: of the content."""

    stamp: Stamp
    digest: str
    records: int
    parquet: str


@dataclass(frozen=True, kw_only=True)
class PackedImages:
    """The matrices of a sweep's trainings. stamp: over all their files. parquet, draws: below the pack."""

    stamp: str
    trainings: int
    parquet: str
    draws: str


@dataclass(frozen=True)
class Manifest:
    """files: by path below the results folder. images: by sweep. made_by: all else on which the content depends."""

    made_by: str
    files: dict[str, PackedFile] = field(default_factory=dict)
    images: dict[str, PackedImages] = field(default_factory=dict)

    def sweeps(self) -> dict[str, int]:
        """Their records, by name, sorted."""
        counts: dict[str, int] = {}
        for path in sorted(self.files):
            sweep = path.partition("/")[0]
            counts[sweep] = counts.get(sweep, 0) + self.files[path].records
        return counts

    def parts(self) -> set[str]:
        """The files of the pack."""
        images = [name for packed in self.images.values() for name in (packed.parquet, packed.draws)]
        return {*(packed.parquet for packed in self.files.values()), *images}


def made_by() -> str:
    """Columns, their meaning, and the library that draws: another pack is not read."""
    return hashlib.sha256(f"{VERSION} {COLUMNS} {np.__version__}".encode()).hexdigest()[:16]


def stamp_of(path: Path | int) -> Stamp:
    """Of a file, or of one that is open."""
    found = os.stat(path)  # noqa: PTH116
    return Stamp(found.st_size, found.st_mtime_ns)


def records_files(results: Path) -> Iterator[tuple[str, Path]]:
    """Each file of records and its path below the folder, in the order in which they are read."""
    for path in sorted(results.glob("*/*.jsonl")):
        yield path.relative_to(results).as_posix(), path


def images_stamp(folder: Path) -> str:
    """Over names, sizes and times of all files of matrices; "" where there are none."""
    found = sorted((e.name, (s := e.stat()).st_size, s.st_mtime_ns) for e in _matrices_in(folder))
    return hashlib.sha256(repr(found).encode()).hexdigest()[:16] if found else ""


def _matrices_in(folder: Path) -> Iterator[os.DirEntry[str]]:
    if folder.is_dir():
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if entry.name.endswith(".npz"))


def images_folders(results: Path) -> Iterator[tuple[str, Path]]:
    """Each sweep with a folder of matrices, sorted."""
    for folder in sorted(results.glob(f"*/{FOLDER}")):
        yield folder.parent.name, folder


def read_manifest(results: Path) -> Manifest | None:
    """None where there is no pack, or one of another version of bench."""
    try:
        data = json.loads((results / PACK / _MANIFEST).read_text(encoding="utf-8"))
        files = {
            path: PackedFile(**packed | {"stamp": Stamp(**packed["stamp"])}) for path, packed in data["files"].items()
        }
        images = {sweep: PackedImages(**packed) for sweep, packed in data["images"].items()}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Manifest(data["made_by"], files, images) if data["made_by"] == made_by() else None


def write_manifest(results: Path, manifest: Manifest) -> None:
    """From here on the pack is what it says.

    Raises:
        DiskError: the disk is full or the folder cannot be written.
    """
    with replacing(results / PACK / _MANIFEST) as new:
        new.write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")


def fresh_manifest(results: Path) -> Manifest:
    """Of a pack that holds what the folder holds now.

    Raises:
        UserError: there is none, or what has changed since.
    """
    manifest = read_manifest(results)
    if manifest is None:
        raise UserError(f"{results} has no pack that this version of bench reads. Run {_command(results)}, then again.")
    changed = sorted(_changes(results, manifest))
    if changed:
        more = f" and {len(changed) - _MOST_NAMES} more" if len(changed) > _MOST_NAMES else ""
        raise UserError(
            f"the pack of {results} is stale: changed since are {', '.join(changed[:_MOST_NAMES])}{more}. "
            f"Run {_command(results)}, which packs what changed, then again."
        )
    return manifest


def _command(results: Path) -> str:
    return "`bench pack`" if results == Path("results") else f"`bench pack --results {results}`"


def _changes(results: Path, manifest: Manifest) -> Iterator[str]:
    here = dict(records_files(results))
    yield from here.keys() ^ manifest.files.keys()
    yield from (p for p in here.keys() & manifest.files.keys() if stamp_of(here[p]) != manifest.files[p].stamp)
    images = {sweep: stamp for sweep, folder in images_folders(results) if (stamp := images_stamp(folder))}
    packed = {sweep: packed.stamp for sweep, packed in manifest.images.items()}
    yield from (
        f"{sweep}/{FOLDER}" for sweep in images.keys() | packed.keys() if images.get(sweep) != packed.get(sweep)
    )
    yield from (f"{PACK}/{part}" for part in manifest.parts() if not (results / PACK / part).is_file())
