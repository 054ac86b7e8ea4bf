"""What a decision stands on: variants that were measured alike, and draws of what could as well have been measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.candidates import Candidate
from bench.analysis.comparability import KINDS, the_one_setting
from bench.analysis.latency_warnings import trust_lines
from bench.analysis.resampling import Draws
from bench.analysis.seed_variance import SeedSpread, data_of, spread_of
from bench.decision.candidates import candidates_of
from bench.decision.evidence import Evidence, Source
from bench.decision.lazy_resampling import DrawnLatencies, DrawnMious
from bench.errors import NothingToShowError
from bench.metrics import SCORE
from bench.storage.records import AccuracyRecord


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """candidates: those of whom all metrics are known. draws: by metric and variant, of those that are uncertain."""

    candidates: Sequence[Candidate]
    draws: Mapping[str, Mapping[str, Draws]]
    settings: Sequence[str]
    """In words: the data and schedule, the size that cost is of, the clock and its machine."""
    incomplete: Sequence[str]
    """Variants that lack one of the metrics."""
    data: str
    """The fingerprint of the images and their masks."""
    spread: SeedSpread | None
    """Between seeds; None: no variant on these data was trained by several, and draws are over images alone."""
    images: int
    """Of the validation split, over which draws are; 0: not known."""
    processes: int
    """The fewest of any candidate, over which a latency that decides is drawn; 0: none decides."""
    doubts_of: Callable[[str], Sequence[str]]
    """Of a variant: why a latency that decides cannot be trusted."""


def load_grounds(
    source: Source, sweeps: Sequence[str], metrics: Sequence[str], machine: str = "", shown: Sequence[str] = ()
) -> Grounds:
    """Read what a decision by `metrics` stands on.

    Args:
        sweeps: to choose from; none: all.
        metrics: that decide; with a latency its records must be of one machine and setting.
        machine: only latencies of machines whose id contains this.
        shown: metrics that candidates say beside them, where they are known.

    Raises:
        UserError: no such sweep, or their numbers do not stand side by side, with what to pass instead.
        NothingToShowError: no variant has all the metrics.
    """
    latencies = [metric for metric in metrics if metric.startswith("latency")]
    evidence = source.choose(sweeps, list(dict.fromkeys((*metrics, *shown, "macs"))), machine)
    alike = {kind: evidence.alike(kind.group) for kind in KINDS}
    settings = [line for kind, found in alike.items() for line in the_one_setting(kind, found)]
    trained = next((found[0].example for kind, found in alike.items() if kind.group == "accuracy" and found), None)
    if not isinstance(trained, AccuracyRecord):
        raise _nothing(metrics, machine, evidence)
    rows = evidence.rows()
    candidates, incomplete = candidates_of(rows, metrics, [*shown, "macs"])
    if not candidates:
        raise _nothing(metrics, machine, evidence)
    data = data_of(trained)
    spread = spread_of(evidence.trainings(), lambda: evidence.trainings_on(*data))
    timed = {metric: DrawnLatencies(rows, metric) for metric in latencies}
    draws: dict[str, Mapping[str, Draws]] = {**timed, SCORE: DrawnMious(rows, evidence, spread)}
    return Grounds(
        candidates=candidates,
        draws=draws,
        settings=settings,
        incomplete=incomplete,
        data=data[1] or "",
        spread=spread,
        images=evidence.images_of(trained.key),
        processes=min((drawn.fewest_runs(c.variant for c in candidates) for drawn in timed.values()), default=0),
        doubts_of=lambda variant: trust_lines(evidence.latencies_of(variant)),
    )


def _nothing(metrics: Sequence[str], machine: str, evidence: Evidence) -> NothingToShowError:
    """Says which latencies there are, where one is missing."""
    there = ", ".join(evidence.latencies_there()) or "none"
    clocks = f" Latencies that are there: {there}." if any("latency" in m for m in metrics) else ""
    where = f" on a machine like {machine!r}" if machine else ""
    return NothingToShowError(f"no variant here has {', '.join(metrics)}{where}.{clocks} `bench sweep` measures.")
