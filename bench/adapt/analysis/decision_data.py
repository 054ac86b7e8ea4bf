"""What a decision by the adapted mIoU stands on: networks of one label budget, with what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.adapt.analysis.adaptation import Adaptation, load_adaptation
from bench.adapt.analysis.curves import Line, Point
from bench.analysis.candidates import Candidate
from bench.analysis.comparability import KINDS, the_one_setting
from bench.analysis.latency_warnings import trust_lines
from bench.analysis.resampling import Draws
from bench.analysis.seed_variance import SeedSpread
from bench.decision.candidates import candidates_of
from bench.decision.decision_data import Grounds
from bench.decision.evidence import Source
from bench.decision.lazy_resampling import DrawnLatencies
from bench.errors import NothingToShowError, UserError
from bench.metrics import SCORE
from bench.settings.adaptation import NO_STEP
from bench.storage.records import ProcessRecord
from bench.storage.store import Store

_TEST = "miou_test"


@dataclass(frozen=True, kw_only=True)
class _Latencies:
    """Of variants, by metric. settings: of the clock, in words."""

    values: Mapping[str, Mapping[str, float]]
    draws: Mapping[str, DrawnLatencies]
    settings: Sequence[str]
    doubts: Mapping[str, Sequence[str]]


def load_adapted_grounds(
    adaptations: Store,
    name: str,
    labels: int | None,
    source: Source,
    sweeps: Sequence[str],
    metrics: Sequence[str],
    machine: str = "",
) -> Grounds:
    """Candidates are the networks that were trained with a budget, one a variant and arm; seeds are put together.

    Args:
        adaptations: the store below results/adapt.
        labels: the budget; None for the largest, 0 for the networks as they were.
        source, sweeps: where latencies of the same variants stand; an adaptation measures none.
        metrics: that decide.

    Raises:
        UserError: no such adaptation or budget; a latency without a sweep to take it from.
        NothingToShowError: no network has all the metrics.
    """
    adaptation = load_adaptation(adaptations, name)
    points = _points(adaptation, labels)
    record = adaptation.records[0]
    latencies = _latencies(
        source,
        sweeps,
        metrics=[m for m in metrics if m.startswith("latency")],
        machine=machine,
        size=record.setting.size,
    )
    costs = {record.variant: record.details["cost"] for record in adaptation.records if record.setting.step == NO_STEP}
    named = {line: f"{line.variant}, {_arm(adaptation, line)}" for line in points}
    every = [
        Candidate(named[line], _values(point, costs[line.variant], latencies.values.get(line.variant, {})))
        for line, point in points.items()
    ]
    candidates = sorted(
        (c for c in every if all(metric in c.values for metric in metrics)), key=lambda c: -c.values[SCORE]
    )
    if not candidates:
        raise NothingToShowError(
            f"no network of the adaptation {name!r} has {', '.join(metrics)}; latencies are taken from the sweeps that "
            f"are named: {', '.join(sweeps) or 'none'}."
        )
    draws: dict[str, Mapping[str, Draws]] = {SCORE: {named[line]: point.drawn for line, point in points.items()}}
    for metric, of in latencies.draws.items():
        draws[metric] = {named[line]: of[line.variant] for line in points if line.variant in of}
    variants = {name: line.variant for line, name in named.items()}
    kept = {candidate.variant for candidate in candidates}
    return Grounds(
        candidates=candidates,
        draws=draws,
        settings=[*_settings(adaptation, points), *latencies.settings],
        incomplete=[c.variant for c in every if c.variant not in kept],
        data=adaptation.records[0].setting.data_fingerprint,
        spread=_spread(adaptation, points),
        images=adaptation.images,
        processes=min(
            (drawn.fewest_runs(variants[name] for name in kept) for drawn in latencies.draws.values()), default=0
        ),
        doubts_of=lambda candidate: latencies.doubts.get(variants[candidate], ()),
    )


def _points(adaptation: Adaptation, labels: int | None) -> dict[Line, Point]:
    wanted = max(adaptation.budgets, default=0) if labels is None else labels
    found = {
        line: point
        for line, points in adaptation.curves.items()
        for point in points
        if line.step == NO_STEP and point.labels == wanted
    }
    if not found:
        there = sorted({point.labels for points in adaptation.curves.values() for point in points})
        raise UserError(
            f"--labels {wanted}: the adaptation {adaptation.name!r} has {', '.join(map(str, there))}. "
            f"`bench adapt ... --name {adaptation.name} --labels {wanted}` trains with them."
        )
    return found


def _spread(adaptation: Adaptation, points: Mapping[Line, Point]) -> SeedSpread | None:
    """Between seeds at the budget; networks as they were have none."""
    labels = next(iter(points.values())).labels
    return adaptation.spreads.at(labels) if labels else None


def _values(point: Point, cost: Mapping[str, float], latencies: Mapping[str, float]) -> dict[str, float]:
    test = {_TEST: point.test.value} if point.test else {}
    return {**cost, **latencies, SCORE: point.miou.value, **test}


def _latencies(
    source: Source, sweeps: Sequence[str], metrics: Sequence[str], machine: str, size: Sequence[int]
) -> _Latencies:
    if not metrics:
        if sweeps:
            raise UserError(
                f"{', '.join(sweeps)}: of a sweep beside an adaptation only latencies are read. Pass --latency."
            )
        return _Latencies(values={}, draws={}, settings=[], doubts={})
    if not sweeps:
        raise UserError(
            "an adaptation measures no latency: name the sweep that timed the variants as well, as in "
            "`bench pick adapt/NAME SWEEP --labels 32 --latency '<=30ms'`."
        )
    evidence = source.choose(sweeps, metrics, machine)
    kind = next(kind for kind in KINDS if kind.group == "latency")
    alike = evidence.alike("latency")
    settings = the_one_setting(kind, alike)
    timed = next((of.example.setting.size for of in alike if isinstance(of.example, ProcessRecord)), size)
    if list(timed) != list(size):
        raise UserError(
            f"{', '.join(sweeps)} timed images of {timed[0]}x{timed[1]}, the adaptation judges {size[0]}x{size[1]}: "
            "their numbers do not stand side by side. Sweep the variants with `latency: {size: [W, H]}` of these."
        )
    rows = evidence.rows()
    found, _ = candidates_of(rows, metrics, [])
    variants = [candidate.variant for candidate in found]
    return _Latencies(
        values={c.variant: {metric: c.values[metric] for metric in metrics} for c in found},
        draws={metric: DrawnLatencies(rows, metric) for metric in metrics},
        settings=settings,
        doubts={variant: trust_lines(evidence.latencies_of(variant)) for variant in variants},
    )


def _arm(adaptation: Adaptation, line: Line) -> str:
    record = next(r for r in adaptation.records if r.variant == line.variant and r.setting.arm == line.arm)
    return record.words["arm"].partition(": ")[0]


def _settings(adaptation: Adaptation, points: Mapping[Line, Point]) -> list[str]:
    record = adaptation.records[0]
    labels = next(iter(points.values())).labels
    seeds = max(point.seeds for point in points.values())
    width, height = record.setting.size
    return [
        f"{record.words['data']}; {labels} of {record.setting.of} training images with labels, mean of {seeds} "
        f"seed{'s' * (seeds != 1)}",
        f"cost of one image of {width}x{height}, {len(record.setting.classes)} classes",
    ]
