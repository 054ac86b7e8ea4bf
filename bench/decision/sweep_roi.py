"""What the variants of a sweep cost to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.analysis.candidates import Candidate
from bench.analysis.labels import short_labels
from bench.analysis.latency_records import metric_of
from bench.analysis.latency_warnings import trust_lines
from bench.analysis.selection import select
from bench.decision.decision_data import Grounds, load_grounds
from bench.decision.prices import Prices
from bench.decision.record_evidence import Records
from bench.decision.roi import Running, measured_joules, running
from bench.errors import UserError
from bench.metrics import SCORE
from bench.stats.interval import Interval, percentile_interval
from bench.storage.records import ProcessRecord
from bench.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class SweepRoi:
    """running: cheapest first, of the candidate at the same place. settings: in words, what the numbers are of.

    labels: short ones, by variant. doubts: in words, why latencies cannot be trusted.
    """

    metric: str
    candidates: Sequence[Candidate]
    running: Sequence[Running]
    settings: Sequence[str]
    labels: Mapping[str, str]
    doubts: Sequence[str]

    def of(self, variant: str) -> Running:
        """The costs of one variant.

        Raises:
            UserError: it is not there.
        """
        known = {run.variant: run for run in self.running}
        if variant not in known:
            raise UserError(f"{variant!r} has no {self.metric} here; these have: {', '.join(known)}.")
        return known[variant]

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "metric": self.metric,
            "variants": [asdict(run) for run in self.running],
            "measured_on": self.settings,
            "doubts": self.doubts,
        }


def roi_of_sweep(store: Store, sweep: str, metric: str, machine: str, prices: Prices) -> SweepRoi:
    """Costs of all variants whose latency is known.

    Raises:
        UserError: as `load_grounds`, or there is no price for the machine.
    """
    grounds = load_grounds(Records(store), [sweep], [SCORE, metric], machine)
    records = select(store.read_known(sweep), store.read_plan(sweep).keys).shown
    timed = [r for r in records if isinstance(r, ProcessRecord) and metric_of(r) == metric and machine in r.machine_id]
    pairs = [
        (c, _running(c, grounds, timed=[r for r in timed if r.variant == c.variant], metric=metric, prices=prices))
        for c in grounds.candidates
    ]
    pairs.sort(key=lambda pair: (pair[1].per_million.value, pair[1].variant))
    specs = {r.variant: r.spec for r in records if r.group != "latency" or r in timed}
    labels = dict(zip(specs, short_labels(list(specs.values())), strict=True))
    return SweepRoi(
        metric=metric,
        candidates=[c for c, _ in pairs],
        running=[run for _, run in pairs],
        settings=grounds.settings,
        labels=labels,
        doubts=trust_lines(timed),
    )


def _running(
    candidate: Candidate, grounds: Grounds, timed: Sequence[ProcessRecord], metric: str, prices: Prices
) -> Running:
    price = prices.of(timed[0].machine_id, timed[0].setting.device)
    value = candidate.values[metric]
    drawn = grounds.draws[metric].get(candidate.variant)
    interval = Interval(value, value, value) if drawn is None else percentile_interval(value, drawn)
    joules = measured_joules([record.details for record in timed])
    return running(candidate.variant, interval, batch=timed[0].setting.batch, price=price, joules_per_pass=joules)
