"""A measured shift in words and cells, for the terminal and for Markdown alike."""

from __future__ import annotations

from collections.abc import Iterator

from bench.shift.distance import RAW, StepShift
from bench.shift.result import ShiftReport
from bench.stats.interval import Interval

CAVEAT = (
    "A smaller distance is no promise of a higher mIoU: it says that the backbone sees something more like what it was "
    "trained on, not that it sees the right thing."
)
_SMALL = 0.01
_NO_CHANGE = "no change of the gap beyond 1 % or chance"
STEP_HEAD = (
    "step",
    "distance beyond held-out\n(total variances)",
    "gap closed (%)",
    "images unlike the\ntraining ones (%)",
    "step alone\n(ms)",
    "added to a\npass (ms)",
)
CHANNEL_HEAD = ("channel", "training: mean, std", "new: mean, std", "difference\n(std of training)")
FARTHEST_HEAD = ("farthest image", "as it is", "nearest after", "then")


def step_rows(report: ShiftReport) -> Iterator[tuple[str, ...]]:
    """A row for training images that are held out, one for stretches of them, one a step."""
    shift = report.shift
    low, high = (end - shift.reference.value for end in (shift.reference.low, shift.reference.high))
    yield "held-out training images", f"0 ({low:.2f} to {high:.2f})", "", "5", "", ""
    yield f"{shift.held_out} consecutive training images", f"{shift.stretch:.2f}", "", "", "", ""
    for step in shift.steps:
        closed = percent(step.closed) if step.closed else "" if step.step == RAW else "–"
        yield (
            "new images, no step" if step.step == RAW else step.step,
            _interval(step.excess),
            closed,
            f"{100 * step.unlike(shift.limit):.0f}",
            *_times(report, step),
        )


def channel_rows(report: ShiftReport) -> Iterator[tuple[str, ...]]:
    """Red, green and blue, of levels from 0 to 255."""
    ours, theirs = report.source_channels, report.channels[RAW]
    for i, name in enumerate(("red", "green", "blue")):
        yield (
            name,
            f"{ours.mean[i]:.1f}, {ours.std[i]:.1f}",
            f"{theirs.mean[i]:.1f}, {theirs.std[i]:.1f}",
            f"{report.off_by()[i]:+.2f}",
        )


def farthest_rows(report: ShiftReport) -> Iterator[tuple[str, ...]]:
    """The farthest first; distances over the median of held-out training images."""
    for image in report.farthest:
        nearest = report.nearest_after(image)
        name = "nothing" if nearest.step == RAW else nearest.step
        yield report.names[image], f"{report.shift.raw.per_image[image]:.2f}", name, f"{nearest.per_image[image]:.2f}"


def conclusion(report: ShiftReport) -> Iterator[str]:
    """What it comes to, a sentence each."""
    shift = report.shift
    if not shift.has_gap:
        yield (
            f"{report.target} is no farther from {report.source} than chance explains: {_interval(shift.raw.excess)} "
            f"beyond held-out images of {report.source}."
        )
        return
    yield (
        f"{report.target} is {_interval(shift.raw.excess)} farther from {report.source} than held-out images of "
        f"{report.source} are, where 1 is as far as these spread around their mean."
    )
    yield _stretch_words(report)
    yield _best_words(report)
    for words, steps in ((_NO_CHANGE, _idle(shift.steps)), ("the gap widens", _worse(shift.steps))):
        if steps:
            yield f"{_and(steps)}: {words}."
    yield CAVEAT


def method_lines(report: ShiftReport) -> Iterator[str]:
    """How to read the numbers."""
    shift = report.shift
    source, target = report.counts
    yield (
        f"{source} images of {report.source} and {target} of {report.target}, training splits and `unlabelled/` alone; "
        f"features: mean of each channel of the last stage of {report.network}, weights: {report.weights}."
    )
    yield (
        "distance: squared Fréchet distance (Heusel et al. 2017) over the total variance of the training images' "
        f"features; {shift.held_out} images against the {source - shift.held_out} training images that are not held "
        f"out, less what {shift.held_out} held-out training images have ({shift.reference.value:.2f}, which is what so "
        "few images leave). In brackets 95 % by random half-samples of the images, taken to be independent: frames of "
        "one video are not."
    )
    yield (
        f"{shift.held_out} consecutive training images: against the others, mean of all such stretches; of a video, "
        "what another part of it does. unlike: farther, by Mahalanobis distance with shrinkage (Ledoit and Wolf 2004), "
        "than 95 % of held-out training images."
    )
    for time in list(report.times.values())[:1]:
        yield (
            f"times: {len(time['step_ms']['samples'])} passes in lock-step, one process; the step alone as median "
            "(quartiles), what it adds to a pass as median of the paired differences (95 %); pass: "
            f"{time['label']}, {time['network_ms']['median']:.1f} ms without a step."
        )
    doubts = sorted((one for time in report.times.values() for one in time["doubts"]), key=lambda one: one["size"])
    if doubts:
        worst = {one["kind"]: one["words"] for one in doubts}
        yield f"the times are doubtful: {'; '.join(worst.values())}. Measure again on a quiet machine."


def _stretch_words(report: ShiftReport) -> str:
    shift = report.shift
    stretch, raw = shift.stretch, shift.raw.excess
    if stretch <= 0.1 * raw.value:
        return f"{shift.held_out} consecutive training images are hardly farther than held-out ones."
    if stretch >= raw.low:
        return (
            f"{shift.held_out} consecutive training images are {stretch:.2f} farther too: the shift is no larger than "
            "between parts of the training images."
        )
    return (
        f"{shift.held_out} consecutive training images are {stretch:.2f} farther too: so much another scene makes "
        f"alone; the other {raw.value - stretch:.2f} are new."
    )


def _best_words(report: ShiftReport) -> str:
    best = report.shift.best()
    if best is None or best.closed is None:
        return "No step closes any of it that can be told from 0."
    time = report.times.get(best.step)
    cost = f", for {time['step_ms']['median']:.1f} ms an image" if time else ""
    idle = _idle(report.shift.steps)
    others = [s for s in report.shift.steps if s is not best and s.closed and s.closed.low > 0 and s.step not in idle]
    also = "; ".join(f"{s.step} {percent(s.closed)} %" for s in others)
    return f"{best.step} closes most, {percent(best.closed)} % of the gap{cost}{f'; less: {also}' if also else ''}."


def _idle(steps: tuple[StepShift, ...]) -> list[str]:
    """Steps that change less than one per cent of it, or nothing that can be told from 0."""
    return [s.step for s in steps if s.closed and (abs(s.closed.value) < _SMALL or s.closed.low <= 0 <= s.closed.high)]


def _worse(steps: tuple[StepShift, ...]) -> list[str]:
    return [s.step for s in steps if s.closed and s.closed.high < 0 and s.closed.value <= -_SMALL]


def _and(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _times(report: ShiftReport, step: StepShift) -> tuple[str, str]:
    time = report.times.get(step.step)
    if time is None:
        return "", ""
    alone, added = time["step_ms"], time["added"]
    return (
        f"{alone['median']:.1f} ({alone['low']:.1f}–{alone['high']:.1f})",
        f"{added['value']:.1f} ({added['low']:.1f} to {added['high']:.1f})",
    )


def _interval(of: Interval) -> str:
    return f"{of.value:.2f} ({of.low:.2f} to {of.high:.2f})"


def percent(of: Interval | None) -> str:
    if of is None:
        return ""
    value, low, high = (round(100 * end) for end in (of.value, of.low, of.high))
    return f"{value} ({low} to {high})"
