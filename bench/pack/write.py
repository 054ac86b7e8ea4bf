"""Writing a pack: record by record, in bounded memory; what did not change is not packed again."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.errors import UserError
from bench.pack.columns import COLUMNS, row_of
from bench.pack.images import pack_images
from bench.pack.manifest import (
    PACK,
    Manifest,
    PackedFile,
    PackedImages,
    images_folders,
    images_stamp,
    made_by,
    read_manifest,
    records_files,
    stamp_of,
    write_manifest,
)
from bench.storage.atomic_files import cannot_write, clear_unfinished, replacing
from bench.storage.store import read_lines

_AT_A_TIME = 8192
"""Records in memory, and in a row group."""


@dataclass(frozen=True, kw_only=True)
class Packed:
    """What a pack holds. anew: records that were packed this time. sizes in bytes, images: of the draws over images."""

    records: int
    anew: int
    sweeps: int
    machines: int
    jsonl_bytes: int
    parquet_bytes: int
    trainings: int
    images_bytes: int


def pack_results(results: Path, on_records: Callable[[int], None] = lambda count: None) -> Packed:
    """Pack what has changed since the last time, or all.

    A pack is whole or the one before: its manifest is written last, and names its files by their content.

    Args:
        on_records: called with the number of records or trainings that were packed since its last call.

    Raises:
        UserError: there are no records, one is broken, or another process packs them.
        DiskError: the disk is full or the folder cannot be written.
    """
    with _locked(results):
        before = read_manifest(results) or Manifest(made_by())
        files, anew = {}, 0
        for name, path in records_files(results):
            files[name] = _packed_file(results, path, before.files.get(name), on_records)
            anew += (
                0 if name in before.files and before.files[name].digest == files[name].digest else files[name].records
            )
        if not files:
            raise UserError(f"{results} holds no records. Run `bench sweep`, or pass --results FOLDER.")
        images = {}
        for sweep, folder in images_folders(results):
            if stamp := images_stamp(folder):
                known = before.images.get(sweep)
                fresh = known is not None and known.stamp == stamp
                images[sweep] = known if known and fresh else pack_images(results, sweep, folder, lambda: on_records(1))
        manifest = Manifest(made_by(), files, images)
        write_manifest(results, manifest)
        _clear(results, manifest)
        return _counted(results, manifest, anew)


def _packed_file(results: Path, path: Path, known: PackedFile | None, on_records: Callable[[int], None]) -> PackedFile:
    with path.open("rb") as file:
        stamp = stamp_of(file.fileno())  # before it is read: what is appended meanwhile makes the pack stale
        if known and known.stamp == stamp:
            return known
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if known and known.digest == digest:
            return replace(known, stamp=stamp)
        file.seek(0)
        sweep = path.parent.name
        parquet = f"records/{sweep}/{path.stem}-{digest[:16]}.parquet"
        rows = (
            row_of(line.record, sweep, file=path.name, start=line.start, length=line.length)
            for line in read_lines(file, path)
        )
        with replacing(results / PACK / parquet) as new:
            count = _write_rows(new, rows, on_records)
    return PackedFile(stamp=stamp, digest=digest, records=count, parquet=parquet)


def _write_rows(path: Path, rows: Iterable[dict[str, Any]], on_records: Callable[[int], None]) -> int:
    left, count = iter(rows), 0
    with pq.ParquetWriter(path, COLUMNS, compression="zstd") as writer:
        while some := list(islice(left, _AT_A_TIME)):
            columns = [pa.array([row.get(field.name) for row in some], field.type) for field in COLUMNS]
            writer.write_table(pa.table(columns, COLUMNS))
            count += len(some)
            on_records(len(some))
    return count


def _clear(results: Path, manifest: Manifest) -> None:
    """Take away what the pack does not name any more."""
    parts = manifest.parts()
    for path in (results / PACK).glob("*/**/*"):
        if path.is_file() and path.relative_to(results / PACK).as_posix() not in parts:
            path.unlink(missing_ok=True)
    clear_unfinished(results / PACK)


def _counted(results: Path, manifest: Manifest, anew: int) -> Packed:
    def size(name: str) -> int:
        return (results / PACK / name).stat().st_size

    def of_images(packed: PackedImages) -> int:
        return size(packed.parquet) + size(packed.draws)

    files = manifest.files
    return Packed(
        records=sum(packed.records for packed in files.values()),
        anew=anew,
        sweeps=len(manifest.sweeps()),
        machines=len({Path(name).name for name in files}),
        jsonl_bytes=sum(f.stamp.size for f in files.values()),
        parquet_bytes=sum(size(f.parquet) for f in files.values()),
        trainings=sum(packed.trainings for packed in manifest.images.values()),
        images_bytes=sum(map(of_images, manifest.images.values())),
    )


@contextmanager
def _locked(results: Path) -> Iterator[None]:
    path = results / PACK / ".lock"
    if not results.is_dir():
        raise UserError(f"no folder {results} here. Run it in the project, or pass --results FOLDER.")
    try:
        path.parent.mkdir(exist_ok=True)
        handle = path.open("w")
    except OSError as error:
        raise cannot_write(path.parent, error.strerror or str(error)) from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another process packs {results}. Wait for it, then run this again.") from None
        yield
