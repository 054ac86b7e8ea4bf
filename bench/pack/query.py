"""Evidence from a pack: DuckDB reads the columns that a decision needs; single records are read where they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bench.analysis.comparability import Alike
from bench.analysis.resampling import SPLIT
from bench.analysis.seed_variance import Training
from bench.decision.evidence import Rows, with_score
from bench.errors import UserError
from bench.metrics import SCORE
from bench.pack.columns import METRIC_COLUMNS
from bench.pack.manifest import PACK, Manifest, fresh_manifest
from bench.storage.confusions import Confusions
from bench.storage.records import GROUPS, Group, ProcessRecord, Record, parse_line
from bench.storage.store import Store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SHOWN = """
CREATE TEMP TABLE shown AS
SELECT r.key, r."group", r.spec_hash, r.variant, r.machine_id, r.metric, r.alike, r.sweep, r.file, r.start, r.length,
       r.training, r.seed, r.started, {values}, p.planned,
       r."group" <> 'latency' OR (list_contains($metrics, r.metric) AND contains(r.machine_id, $machine)) AS asked,
       CASE WHEN asked THEN p.planned END AS place
FROM read_parquet($files) r JOIN plan p ON r.key = p.key AND r.sweep = p.sweep
WHERE r.status = 'ok'
"""
"""The successes of planned keys. planned: place in the plans, one after the other. asked: no latency of another metric
or machine. place: by which the rows of the evidence are ordered; null of what is none of them."""
_NEWEST = """
DELETE FROM shown WHERE rowid IN (
    SELECT rowid FROM shown WHERE planned IN (SELECT planned FROM shown GROUP BY planned HAVING count(*) > 1)
    QUALIFY row_number() OVER (PARTITION BY planned ORDER BY started DESC, file DESC, start DESC) > 1
)
"""
"""Of each key of a sweep, as `select` has it."""
_ONCE = """
UPDATE shown SET place = once.place FROM (
    SELECT rowid AS number, CASE WHEN row_number() OVER (PARTITION BY key ORDER BY planned DESC) = 1
                                 THEN min(planned) OVER (PARTITION BY key) END AS place
    FROM shown WHERE asked AND key IN (SELECT key FROM shown WHERE asked GROUP BY key HAVING count(*) > 1)
) once WHERE shown.rowid = once.number
"""
"""A key that several sweeps plan stands where the first has it, and is the record of the last."""
_ALIKE = """
SELECT alike, list(DISTINCT sweep), min(planned), arg_min([sweep, file, start::VARCHAR, length::VARCHAR], planned)
FROM shown WHERE asked AND "group" = $group GROUP BY alike ORDER BY min(planned)
"""
_IMAGES = """
SELECT shown.place, of.sweep, of.row, of.low, of.high
FROM shown JOIN read_parquet($files) of USING (key) WHERE shown."group" = 'accuracy' AND place IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY key ORDER BY of.sweep <> $first, of.sweep) = 1
"""
"""Of the first sweep that was asked for, else of the first that has them."""


def check_duckdb() -> None:
    """Refuse to query without it.

    Raises:
        UserError: naming the extra.
    """
    if find_spec("duckdb") is None:
        raise UserError(
            "a pack is queried by duckdb, not installed here. `pip install 'segmentation-bench[scale]'` installs it; "
            "without --packed the records are read one by one."
        )


@dataclass(frozen=True)
class Pack:
    """The pack of a results folder.

    Raises, when it is chosen from:
        UserError: without duckdb; there is no pack, or the records have changed since.
    """

    results: Path

    def choose(self, sweeps: Sequence[str], metrics: Sequence[str], machine: str) -> PackEvidence:
        """See `Source`."""
        check_duckdb()
        import duckdb

        manifest, store = fresh_manifest(self.results), Store(self.results)
        counts = manifest.sweeps()
        names = list(dict.fromkeys(sweeps)) or list(counts)
        connection = duckdb.connect()
        connection.register("plan", _plans(store, names, counts))
        values = ", ".join(f"r.{name}" for name in with_score(metrics) if name in METRIC_COLUMNS)
        parts = [packed.parquet for path, packed in manifest.files.items() if path.partition("/")[0] in names]
        connection.execute(
            _SHOWN.format(values=values),
            {"files": _paths(self.results, parts), "metrics": list(metrics), "machine": machine},
        )
        connection.execute(_NEWEST)
        if len(names) > 1:
            connection.execute(_ONCE)
        return PackEvidence(
            results=self.results, manifest=manifest, connection=connection, names=names, metrics=metrics
        )


def _plans(store: Store, names: Sequence[str], counts: dict[str, int]) -> pa.Table:
    """The keys of all plans, one after the other: sweep, planned, key."""
    tables, before = [], 0
    for name in names:
        if not counts.get(name):
            raise store.unknown(name)
        keys = pa.array(dict.fromkeys(store.read_plan(name).keys), pa.string())
        places = pa.array(np.arange(before, before + len(keys)))
        tables.append(pa.table({"sweep": pa.repeat(name, len(keys)), "planned": places, "key": keys}))
        before += len(keys)
    return pa.concat_tables(tables) if tables else pa.table({"sweep": [""], "planned": [0], "key": [""]})


def _paths(results: Path, parts: Iterable[str]) -> list[str]:
    return [str(results / PACK / part) for part in parts]


@dataclass(frozen=True, kw_only=True)
class PackEvidence:
    """The planned records of some sweeps in a pack: the table `shown` of a connection."""

    results: Path
    manifest: Manifest
    connection: DuckDBPyConnection
    names: Sequence[str]
    metrics: Sequence[str]

    def alike(self, group: Group) -> list[Alike]:
        """See `Evidence`."""
        found = self.connection.execute(_ALIKE, {"group": group}).fetchall()
        return [
            Alike(self._record(*place), [name for name in self.names if name in sweeps])
            for _, sweeps, _, place in found
        ]

    def rows(self) -> Rows:
        """See `Evidence`."""
        known = [name for name in with_score(self.metrics) if name in METRIC_COLUMNS]
        columns = ", ".join(('key, "group", spec_hash, variant', *known))
        table = self._table(f"SELECT {columns} FROM shown WHERE place IS NOT NULL ORDER BY place")  # noqa: S608
        specs, variants, groups = (_numbered(table[name]) for name in ("spec_hash", "variant", "group"))
        of_group = np.array([GROUPS.index(group) for group in groups[1]], np.int64)
        unknown = np.full(table.num_rows, np.nan)
        values = {name: _floats(table[name]) if name in known else unknown for name in with_score(self.metrics)}
        return Rows(
            keys=_Texts(table["key"]),
            group=of_group[groups[0]],
            spec=specs[0],
            variant=variants[0],
            names=variants[1],
            values=values,
            images=self._images[0],
        )

    def trainings(self) -> Iterable[Training]:
        """See `Evidence`."""
        where = "\"group\" = 'accuracy' AND place IS NOT NULL"
        return self._trainings(f"SELECT training, seed, miou_val FROM shown WHERE {where} ORDER BY place")  # noqa: S608

    def trainings_on(self, dataset: str, fingerprint: str) -> Iterable[Training]:
        """See `Evidence`."""
        where = "status = 'ok' AND dataset = $dataset AND data_fingerprint IS NOT DISTINCT FROM $fingerprint"
        files = _paths(self.results, (packed.parquet for packed in self.manifest.files.values()))
        return self._trainings(
            f"SELECT training, seed, miou_val FROM read_parquet($files) WHERE {where} ORDER BY sweep, file, start",  # noqa: S608
            {"files": files, "dataset": dataset, "fingerprint": fingerprint},
        )

    def over_images(self, row: int) -> NDArray[np.float64] | None:
        """See `Evidence`."""
        _, sweep, line = self._images
        return None if line[row] < 0 else np.asarray(self._draws[sweep[row]][line[row]])

    def images_of(self, key: str) -> int:
        """See `Evidence`."""
        return Confusions(self.results, self.names[0]).count(key, SPLIT)

    def latencies_of(self, variant: str) -> list[ProcessRecord]:
        """See `Evidence`."""
        found = self.connection.execute(
            "SELECT sweep, file, start, length FROM shown WHERE place IS NOT NULL AND \"group\" = 'latency' "
            "AND variant = $variant ORDER BY place",
            {"variant": variant},
        )
        records = (self._record(*place) for place in found.fetchall())
        return [record for record in records if isinstance(record, ProcessRecord)]

    def latencies_there(self) -> list[str]:
        """See `Evidence`."""
        found = self.connection.execute("SELECT DISTINCT metric, machine_id FROM shown WHERE \"group\" = 'latency'")
        return sorted(f"{metric} on {machine}" for metric, machine in found.fetchall())

    def _record(self, sweep: str, file: str, start: str | int, length: str | int) -> Record:
        path = self.results / sweep / file
        with path.open("rb") as lines:
            lines.seek(int(start))
            return parse_line(lines.read(int(length)).decode(errors="replace"), f"{path} at byte {start}")

    def _table(self, query: str, values: dict[str, Any] | None = None) -> pa.Table:
        return self.connection.sql(query, params=values).to_arrow_table()

    def _trainings(self, query: str, values: dict[str, Any] | None = None) -> Iterable[Training]:
        table = self._table(query, values)
        groups, _ = _numbered(table["training"])
        return zip(groups.tolist(), table["seed"].to_pylist(), table[SCORE].to_pylist(), strict=True)

    @cached_property
    def _images(self) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """By row: the ends of its draws over images; the place of the sweep that has them, and where they are in it."""
        order = self._table("SELECT place FROM shown WHERE place IS NOT NULL ORDER BY place")["place"].to_numpy()
        ends, sweep, line = np.full((len(order), 2), np.nan), np.zeros(len(order), np.int64), np.full(len(order), -1)
        parts = [packed.parquet for packed in self.manifest.images.values()]
        if parts:
            values = {"files": _paths(self.results, parts), "first": self.names[0]}
            found = self._table(_IMAGES, values)
            rows = np.searchsorted(order, found["place"].to_numpy())
            numbers, names = _numbered(found["sweep"])
            of_sweep = np.array([list(self.manifest.images).index(name) for name in names], np.int64)
            ends[rows] = np.stack([_floats(found["low"]), _floats(found["high"])], axis=1)
            sweep[rows], line[rows] = of_sweep[numbers], found["row"].to_numpy()
        return ends, sweep, line

    @cached_property
    def _draws(self) -> list[NDArray[np.float64]]:
        """Of each sweep with matrices, (trainings, resamples), read as they are asked for."""
        parts = [self.results / PACK / packed.draws for packed in self.manifest.images.values()]
        return [np.load(part, mmap_mode="r") for part in parts]


class _Texts(Sequence[str]):
    """A column of texts, which become objects when they are asked for."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        self._column = column.combine_chunks()

    def __getitem__(self, place: Any) -> Any:
        return self._column[place].as_py()

    def __len__(self) -> int:
        return len(self._column)


def _numbered(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    """Each text as a number in the order in which they appear, and the texts."""
    coded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    return coded.indices.to_numpy(zero_copy_only=False).astype(np.int64), coded.dictionary.to_pylist()


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Null as NaN."""
    return np.asarray(column.to_numpy(), np.float64)
