"""A decision: the pick among what was measured alike, how sure it is, and what it stands on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.analysis.candidates import Candidate
from bench.analysis.constraints import Limit
from bench.decision.decision_data import Grounds, load_grounds
from bench.decision.evidence import Source
from bench.decision.pick import Pick, pick
from bench.decision.selection_probability import Sureness, sureness_of
from bench.metrics import SCORE
from bench.stats.interval import percentile_interval

_SHOWN = (SCORE, "miou_test", "macs", "parameters")
"""Said of every candidate, beside what limits and decides."""


@dataclass(frozen=True)
class Decision:
    """sureness: None without a pick."""

    pick: Pick
    grounds: Grounds
    sureness: Sureness | None

    @property
    def metrics(self) -> list[str]:
        """To say of a candidate."""
        asked = [limit.metric for limit in self.pick.limits]
        return list(dict.fromkeys([*_SHOWN, *asked, self.pick.objective]))

    def interval(self, candidate: Candidate, metric: str) -> tuple[float, float] | None:
        """95 %, of what is uncertain and known to be."""
        drawn = self.grounds.draws.get(metric, {}).get(candidate.variant)
        if drawn is None or drawn.min() == drawn.max():  # of one process nothing is known
            return None
        interval = percentile_interval(candidate.values[metric], drawn)
        return interval.low, interval.high

    def to_json(self) -> dict[str, Any]:
        """For programs; numbers in the stored units."""
        found, sure = self.pick, self.sureness
        return {
            "objective": found.objective,
            "limits": [_limit_json(limit) for limit in found.limits],
            "pick": self._json(found.best),
            "runner_up": self._json(found.runner_up),
            "within": found.within,
            "candidates": len(self.grounds.candidates),
            "sureness": sure and {"meets_all_limits": sure.meets, "picked": dict(sure.picked)},
            "relaxations": [
                {**_limit_json(step.limit), "by": step.by, "variant": step.candidate.variant, "gain": step.gain}
                for step in found.relaxations
            ],
            "upgrades": [
                {"variant": step.candidate.variant, "more_miou_val": step.more, "price": step.price}
                for step in found.upgrades
            ],
            "ways_out": [
                {**_limit_json(way.limit), "by": way.by, "variant": way.candidate.variant} for way in found.ways_out
            ],
            "conflict": [_limit_json(limit) for limit in found.conflict],
            "nearest": self._json(found.nearest),
            "validation_images": self.grounds.images or None,
            "measured_on": list(self.grounds.settings),
            "left_out": list(self.grounds.incomplete),
        }

    def _json(self, candidate: Candidate | None) -> dict[str, Any] | None:
        if candidate is None:
            return None
        known = [metric for metric in self.metrics if metric in candidate.values]
        intervals = {metric: list(ends) for metric in known if (ends := self.interval(candidate, metric))}
        values = {metric: candidate.values[metric] for metric in known}
        return {"variant": candidate.variant, "values": values, "intervals_95": intervals}


def decide(
    source: Source, sweeps: Sequence[str], limits: Sequence[Limit], objective: str, machine: str = ""
) -> Decision:
    """Pick among the variants of some sweeps.

    Raises:
        UserError: as `load_grounds`.
    """
    return decide_on(
        load_grounds(source, sweeps, metrics=deciding(limits, objective), machine=machine, shown=_SHOWN),
        limits,
        objective,
    )


def deciding(limits: Sequence[Limit], objective: str) -> list[str]:
    """The metrics that candidates need."""
    return list(dict.fromkeys([SCORE, *(limit.metric for limit in limits), objective]))


def decide_on(grounds: Grounds, limits: Sequence[Limit], objective: str) -> Decision:
    """Pick among candidates."""
    found = pick(grounds.candidates, limits, objective)
    sure = found.best and sureness_of(
        found.best.variant, grounds.candidates, limits=limits, objective=objective, draws=grounds.draws
    )
    return Decision(found, grounds, sure or None)


def _limit_json(limit: Limit) -> dict[str, Any]:
    return {"metric": limit.metric, "least" if limit.is_least else "most": limit.value}
