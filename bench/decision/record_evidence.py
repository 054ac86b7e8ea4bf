"""Evidence from whole records, as a results folder keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.analysis.comparability import Alike, what_is_alike
from bench.analysis.latency_records import metric_of
from bench.analysis.resampling import SPLIT, draws_of_images
from bench.analysis.seed_variance import Training, trained_on, training_of
from bench.analysis.selection import select
from bench.decision.evidence import Rows, with_score
from bench.stats.bootstrap import miou_draws
from bench.storage.confusions import Confusions
from bench.storage.records import GROUPS, Group, ProcessRecord, Record
from bench.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class RecordEvidence:
    """known: all records by sweep. shown: the planned ones. used: those among them that were asked for."""

    store: Store
    metrics: Sequence[str]
    known: Mapping[str, Sequence[Record]]
    shown: Mapping[str, Sequence[Record]]
    used: Mapping[str, Sequence[Record]]

    @cached_property
    def records(self) -> list[Record]:
        """Each once, if several sweeps plan it."""
        return list({r.key: r for some in self.used.values() for r in some}.values())

    def alike(self, group: Group) -> list[Alike]:
        """See `Evidence`."""
        sweeps: dict[str, list[str]] = {}
        examples: dict[str, Record] = {}
        for name, records in self.used.items():
            for record in (r for r in records if r.group == group):
                same = what_is_alike(record)
                examples.setdefault(same, record)
                if name not in sweeps.setdefault(same, []):
                    sweeps[same].append(name)
        return [Alike(example, sweeps[same]) for same, example in examples.items()]

    def rows(self) -> Rows:
        """See `Evidence`."""
        specs, names = (_numbered(getattr(r, field) for r in self.records) for field in ("spec_hash", "variant"))
        trained = np.array([r.group == "accuracy" for r in self.records], bool)
        unknown = np.where(trained[:, None], [-np.inf, np.inf], np.nan)
        return Rows(
            keys=[r.key for r in self.records],
            group=np.array([GROUPS.index(r.group) for r in self.records], np.int64),
            spec=specs[0],
            variant=names[0],
            names=names[1],
            values={
                name: np.array([r.metrics.get(name, np.nan) for r in self.records], np.float64)
                for name in with_score(self.metrics)
            },
            images=unknown,
        )

    def trainings(self) -> Iterable[Training]:
        """See `Evidence`."""
        return (training_of(r) for r in self.records if r.group == "accuracy")

    def trainings_on(self, dataset: str, fingerprint: str) -> Iterable[Training]:
        """See `Evidence`."""
        everywhere = [r for name in self.store.sweeps() for r in self.known.get(name) or self.store.read(name)]
        return map(training_of, trained_on(everywhere, dataset, fingerprint))

    def over_images(self, row: int) -> NDArray[np.float64] | None:
        """See `Evidence`."""
        matrices = self._confusions.load(self.records[row].key, SPLIT)
        return None if matrices is None else miou_draws([matrices], draws_of_images(len(matrices)))

    def images_of(self, key: str) -> int:
        """See `Evidence`."""
        return self._confusions.count(key, SPLIT)

    def latencies_of(self, variant: str) -> list[ProcessRecord]:
        """See `Evidence`."""
        return [r for r in self.records if isinstance(r, ProcessRecord) and r.variant == variant]

    def latencies_there(self) -> list[str]:
        """See `Evidence`."""
        shown = (r for some in self.shown.values() for r in some if r.group == "latency")
        return sorted({f"{metric_of(r)} on {r.machine_id}" for r in shown})

    @property
    def _confusions(self) -> Confusions:
        return Confusions(self.store.root, next(iter(self.shown)))


@dataclass(frozen=True)
class Records:
    """The records of a results folder, read one by one."""

    store: Store

    def choose(self, sweeps: Sequence[str], metrics: Sequence[str], machine: str) -> RecordEvidence:
        """See `Source`."""
        names = list(sweeps) or self.store.sweeps()
        known = {name: self.store.read_known(name) for name in names}
        shown = {name: select(some, self.store.read_plan(name).keys).shown for name, some in known.items()}
        used = {name: [r for r in some if _is_used(r, metrics, machine)] for name, some in shown.items()}
        return RecordEvidence(store=self.store, metrics=metrics, known=known, shown=shown, used=used)


@dataclass(frozen=True)
class Chosen:
    """Records that were chosen before."""

    evidence: RecordEvidence

    def choose(self, sweeps: Sequence[str], metrics: Sequence[str], machine: str) -> RecordEvidence:
        """See `Source`."""
        return self.evidence


def _is_used(record: Record, metrics: Sequence[str], machine: str) -> bool:
    return record.group != "latency" or (metric_of(record) in metrics and machine in record.machine_id)


def _numbered(texts: Iterable[str]) -> tuple[NDArray[np.int64], list[str]]:
    """Each text as a number in the order in which they appear, and the texts."""
    numbers: dict[str, int] = {}
    codes = [numbers.setdefault(text, len(numbers)) for text in texts]
    return np.array(codes, np.int64), list(numbers)
