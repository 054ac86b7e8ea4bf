"""How a front moved, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.decision.front_changes import FrontMove, PointMove, is_finite
from bench.metrics import METRICS, SCORE
from bench.stats.interval import Interval


def move_lines(moves: Sequence[FrontMove], points: Sequence[PointMove]) -> Iterator[str]:
    """What to print, line by line."""
    for move in moves:
        yield from _front_lines(move)
    for point in points:
        yield _point_line(point)


def _front_lines(move: FrontMove) -> Iterator[str]:
    cost, miou = METRICS[move.metric], METRICS[SCORE]
    scale = cost.scale * miou.scale
    low, value, high = (f"{scale * end:+.3g}" for end in (move.change.low, move.change.value, move.change.high))
    reference = f"{cost.show(move.reference[0])} {cost.unit} and {miou.show(move.reference[1])} %"
    volumes = f"{scale * move.before:.4g} to {scale * move.after:.4g} {cost.unit} × %, {value} ({low} to {high})"
    verdict = _verdict(move.change)
    yield f"front of {cost.label}: {verdict}; hypervolume {volumes}, against {reference}"
    yield from (f"  joined  {name}{' (not measured before)' if name in move.new else ''}" for name in move.joined)
    yield from (f"  left    {name}{' (not measured any more)' if name in move.gone else ''}" for name in move.left)
    yield from (f"  stayed  {name}" for name in move.stayed)


def _point_line(point: PointMove) -> str:
    best = f"best within {point.limit}"
    if point.before is None:
        return f"{best}: nothing was within before"
    if point.after is None:
        return f"{best}: worse, nothing is within any more (before: {point.before.variant})"
    assert point.change is not None
    low, value, high = (f"{100 * end:+.1f}" for end in (point.change.low, point.change.value, point.change.high))
    verdict = _verdict(point.change)
    return f"{best}: {verdict}; {point.before.variant} to {point.after.variant}, {value} points ({low} to {high})"


def _verdict(change: Interval) -> str:
    if not is_finite(change):
        return "the change is not a finite number"
    if change.low == change.high == 0:
        return "unchanged"
    return "worse" if change.high < 0 else "better" if change.low > 0 else "no change that noise could not make"
