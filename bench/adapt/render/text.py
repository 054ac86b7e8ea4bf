"""An adaptation in sentences, for the page and for the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from bench.adapt.analysis.adaptation import Adaptation, Gain, Plateau
from bench.adapt.analysis.curves import AS_IS, FULL, Line
from bench.adapt.analysis.step_times import BATCH_NORM
from bench.adapt.render.step_times import SAME_NETWORK, added_words
from bench.analysis.labels import short_labels
from bench.metrics import METRICS, SCORE
from bench.settings.adaptation import NO_STEP
from bench.stats.interval import Interval

_SCALE = 100
_LITTLE = 0.01
"""A gain that could hide without mattering much, in mIoU."""


class Names:
    """How the lines of an adaptation are called: variants short, arms in words."""

    def __init__(self, adaptation: Adaptation) -> None:
        specs = {record.variant: record.spec for record in adaptation.records}
        self.variants = dict(zip(specs, short_labels(list(specs.values())), strict=True))
        self.arms: dict[str, str] = {r.setting.arm: r.words["arm"].partition(":")[0] for r in adaptation.records}
        self.steps = {r.setting.step: r.words["step"] for r in adaptation.records}

    def line(self, line: Line) -> str:
        """Variant and arm."""
        return f"{self.variants[line.variant]}, {self.arms[line.arm]}"


def miou(of: Interval | float) -> str:
    """In per cent, with the interval: "58.3 (56.9–59.8)"."""
    show = METRICS[SCORE].show
    if isinstance(of, Interval):
        return f"{show(of.value)} ({show(of.low)}–{show(of.high)})"
    return show(of)


def points(of: Interval) -> str:
    """A difference in points: "+3.1 (+1.4 to +4.8)"."""
    return f"{signed(of.value)} ({signed(of.low)} to {signed(of.high)})"


def signed(share: float, digits: int = 1) -> str:
    """0.031 -> "+3.1"; what rounds to nothing has no sign."""
    text = f"{_SCALE * share:+.{digits}f}"
    return (text.removeprefix("-").removeprefix("+") if float(text) == 0 else text).replace("-", "−")


def images(count: int) -> str:
    """ "1 image", "8 images"."""
    return f"{count} image{'' if count == 1 else 's'}"


def labels_needed(of: Interval, ladder: list[int]) -> str:
    """ "23 (12–40)"; what lies beyond the ladder by the sign.

    Args:
        ladder: labels that the curve has points at, ascending.
    """
    ends = [_labels(end, ladder) for end in (of.low, of.high)]
    value = _labels(of.value, ladder)
    return value if ends == [value, value] else f"{value} ({ends[0]} to {ends[1]})"


def _labels(count: float, ladder: list[int]) -> str:
    smallest = next(labels for labels in ladder if labels > 0)
    if math.isinf(count):
        return f"> {ladder[-1]}"
    if count == 0:
        return "0"
    return f"≤ {smallest}" if count <= smallest else f"{count:.0f}"


def gain_words(gain: Gain) -> str:
    """ "from 32 to 64 images: +3.1 points, 95 % +1.4 to +4.8"."""
    of = gain.gain
    start = "from no label" if gain.start == 0 else f"from {gain.start}"
    per_image = f"; {signed(of.value / (gain.end - gain.start), 2)} an image" if gain.is_known else ""
    points_words = f"{signed(of.value)} points, 95 % {signed(of.low)} to {signed(of.high)}"
    return f"{start} to {images(gain.end)}: {points_words}{per_image}"


def plateau_words(plateau: Plateau | None, gains: list[Gain]) -> str:
    """From where more labels bring nothing, and what could hide there."""
    if not gains:
        return "One budget alone: what the next label brings is not known."
    if plateau is None:
        return f"More labels still help at the end: {gain_words(gains[-1])}."
    last, hidden = plateau.last, max(0.0, plateau.hidden)
    known = (
        f"a gain above {signed(hidden).lstrip('+')} points is ruled out"
        if hidden <= _LITTLE
        else f"up to {signed(hidden).lstrip('+')} points could hide there"
    )
    begin = f"From {images(plateau.start)} on, more labels" if plateau.start else "Labels"
    return (
        f"{begin} bring nothing that is known: {last.end} against {plateau.start or 'none'}, "
        f"{signed(last.gain.value)} points, 95 % {signed(last.gain.low)} to {signed(last.gain.high)}; {known}."
    )


def worth_lines(adaptation: Adaptation, names: Names) -> Iterator[tuple[str, list[str], str]]:
    """By line its name, a sentence each gain, and where it levels off."""
    for line in adaptation.plain:
        gains = adaptation.gains(line)
        yield names.line(line), [gain_words(gain) for gain in gains], plateau_words(adaptation.plateau(line), gains)


def arm_lines(adaptation: Adaptation, names: Names) -> Iterator[tuple[str, str]]:
    """By line its name, and it beside full fine-tuning: seconds, and where its mIoU is known to differ."""
    for line in adaptation.plain:
        full = Line(line.variant, FULL)
        if line.arm == FULL or full not in adaptation.plain:
            continue
        times = adaptation.times(line.variant, line.arm)
        words = [_pace(times.ratio)] if times else []
        effects = {b: effect for b in adaptation.budgets if (effect := adaptation.effect(full, line, b)) is not None}
        words.append(_where_known(effects))
        yield names.line(line), "; ".join(words) + "."


def _pace(ratio: Interval) -> str:
    if ratio.value <= 1:
        value, low, high = 1 / ratio.value, 1 / ratio.high, 1 / ratio.low
        return f"trains {value:.1f} times as fast as full fine-tuning (quartiles {low:.1f} to {high:.1f})"
    return f"trains {ratio.value:.1f} times as long as full fine-tuning (quartiles {ratio.low:.1f} to {ratio.high:.1f})"


def _where_known(effects: dict[int, Interval]) -> str:
    if not effects:
        return "no labels in common with full fine-tuning"
    better = [labels for labels, effect in effects.items() if effect.low > 0]
    worse = [labels for labels, effect in effects.items() if effect.high < 0]
    parts = [f"{word} with {listed(where)} labels" for word, where in (("better", better), ("worse", worse)) if where]
    known = (
        f"known to be {' and '.join(parts)}" if parts else "not known to be better or worse with any number of labels"
    )
    labels, last = list(effects.items())[-1]
    return f"{known}; with {labels}: {signed(last.value)} points, 95 % {signed(last.low)} to {signed(last.high)}"


def step_lines(adaptation: Adaptation, names: Names) -> Iterator[tuple[str, str]]:
    """By step its name, and what it does to networks as they are and to trained ones."""
    for step in adaptation.steps:
        effects = list(step_effects(adaptation, step))
        parts = [names.steps[step]]
        for when, chosen in (
            ("as it is", [of for line, _, of in effects if line.arm == AS_IS]),
            ("after training", [of for line, _, of in effects if line.arm != AS_IS]),
        ):
            if chosen:
                parts.append(f"{when} {_range_words(chosen)}")
        times = [of[step] for variant in adaptation.variants if step in (of := adaptation.step_times(variant))]
        if times or step == BATCH_NORM:
            parts.append(added_words(times) if times else SAME_NETWORK)
        yield step, "; ".join(parts) + "."


def _range_words(effects: Sequence[Interval]) -> str:
    """One effect with its interval; of several their range, and how many are known."""
    if len(effects) == 1:
        (of,) = effects
        return f"{signed(of.value)} points, 95 % {signed(of.low)} to {signed(of.high)}"
    low, high = (signed(end(of.value for of in effects)) for end in (min, max))
    helps, harms = sum(of.low > 0 for of in effects), sum(of.high < 0 for of in effects)
    span = f"{low} points" if low == high else f"{low} to {high} points"
    return f"{span}, known to help in {helps} and to harm in {harms} of {len(effects)} cases"


def step_effects(adaptation: Adaptation, step: str) -> Iterator[tuple[Line, int, Interval]]:
    """Of a step beside nothing: the line without it, labels, and points gained."""
    for line, of_line in adaptation.curves.items():
        if line.step != NO_STEP:
            continue
        for point in of_line:
            effect = adaptation.effect(line, Line(line.variant, line.arm, step), point.labels)
            if effect is not None:
                yield line, point.labels, effect


def listed(numbers: Sequence[object]) -> str:
    """ "8, 16 and 32"."""
    words = list(map(str, numbers))
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
