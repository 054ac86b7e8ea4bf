"""The tables of an adaptation's page, as text."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bench.adapt.analysis.adaptation import Adaptation
from bench.adapt.analysis.curves import AS_IS, FULL, Line, Point
from bench.adapt.analysis.step_times import doubt_lines
from bench.adapt.render.text import Names, labels_needed, listed, miou, points
from bench.analysis.accuracy_warnings import few_images_lines
from bench.metrics import SCORE
from bench.render.document import TextTable
from bench.settings.adaptation import NO_STEP

_FEWEST, _MOST = 3, 6
_ROUND = (0.5, 1, 2, 5, 10, 20)
"""Between the mIoUs of the table of labels needed, in points."""


def curve_table(adaptation: Adaptation, names: Names) -> TextTable:
    """mIoU by labels, a row a line; test at the largest budget of all."""
    has_start = any(adaptation.as_is(variant) for variant in adaptation.variants)
    largest = adaptation.budgets[-1] if adaptation.budgets else 0
    columns = [*([0] if has_start else []), *adaptation.budgets]
    head = ["variant", "training", *(_column(labels, adaptation) for labels in columns)]
    head += [f"mIoU test with {largest}" if largest else "mIoU test as it is"]
    lines = adaptation.plain or {line: of for line, of in adaptation.curves.items() if line.step == NO_STEP}
    rows = []
    for line in lines:
        ladder = {point.labels: point for point in adaptation.ladder(line)}
        last = ladder.get(largest)
        rows.append(
            [
                names.variants[line.variant],
                names.arms[line.arm],
                *(_cell(ladder.get(labels)) for labels in columns),
                miou(last.test) if last and last.test else "–",
            ]
        )
    return TextTable(head, rows)


def needed_table(adaptation: Adaptation, names: Names) -> TextTable:
    """Labels needed for an mIoU, a row a line."""
    targets = sensible_targets(adaptation)
    rows = []
    for line in adaptation.plain:
        ladder = [point.labels for point in adaptation.ladder(line)]
        needed = [labels_needed(adaptation.labels_for(line, target), ladder) for target in targets]
        rows.append([names.variants[line.variant], names.arms[line.arm], *needed])
    digits = 1 if any(round(100 * target, 6) % 1 for target in targets) else 0
    return TextTable(["variant", "training", *(f"{100 * target:.{digits}f} % mIoU" for target in targets)], rows)


def sensible_targets(adaptation: Adaptation) -> list[float]:
    """Round mIoUs between the worst and the best trained point: 0 to 1."""
    mious = [100 * point.miou.value for points in adaptation.plain.values() for point in points]
    if not mious:
        return []
    for apart in reversed(_ROUND):
        first, last = math.floor(min(mious) / apart) + 1, math.ceil(max(mious) / apart) - 1
        if last - first + 1 >= _FEWEST:
            return [apart * at / 100 for at in range(first, last + 1)][-_MOST:]
    return [round(max(mious)) / 100]


def arm_table(adaptation: Adaptation, names: Names) -> TextTable:
    """Each arm less full fine-tuning by labels, and the seconds of an update."""
    rows = []
    for line in adaptation.plain:
        full = Line(line.variant, FULL)
        if line.arm == FULL or full not in adaptation.plain:
            continue
        effects = [adaptation.effect(full, line, labels) for labels in adaptation.budgets]
        times = adaptation.times(line.variant, line.arm)
        rows.append(
            [
                names.variants[line.variant],
                names.arms[line.arm],
                *(points(of) if of else "–" for of in effects),
                f"{times.seconds:.2g}" if times else "–",
                f"{times.ratio.value:.2f} ({times.ratio.low:.2f}–{times.ratio.high:.2f})" if times else "–",
            ]
        )
    head = ["variant", "training", *(_column(labels, adaptation) for labels in adaptation.budgets)]
    return TextTable([*head, "seconds an update", "ratio of time"], rows)


def step_table(adaptation: Adaptation, names: Names) -> TextTable:
    """Points that each step adds to nothing, by labels; a row a line and step."""
    has_start = any(adaptation.as_is(variant) for variant in adaptation.variants)
    columns = [*([0] if has_start else []), *adaptation.budgets]
    rows = []
    told: set[tuple[str, str]] = set()
    for line in adaptation.stepped:
        for step in adaptation.steps:
            cells = [
                "as above" if not labels and (line.variant, step) in told else _effect(adaptation, line, step, labels)
                for labels in columns
            ]
            told.add((line.variant, step))
            rows.append([names.variants[line.variant], names.arms[line.arm], step, *cells])
    head = ["variant", "training", "step", *(_column(labels, adaptation) for labels in columns)]
    return TextTable(head, rows, texts=3)


def _effect(adaptation: Adaptation, line: Line, step: str, labels: int) -> str:
    arm = line.arm if labels else AS_IS
    effect = adaptation.effect(Line(line.variant, arm), Line(line.variant, arm, step), labels)
    return points(effect) if effect else "–"


def _column(labels: int, adaptation: Adaptation) -> str:
    everything = adaptation.records[0].setting.of
    if labels == 0:
        return "as it is"
    return f"all {labels}" if labels == everything else str(labels)


def _cell(point: Point | None) -> str:
    return miou(point.miou) if point else "–"


def number_rows(adaptation: Adaptation) -> Iterator[dict[str, object]]:
    """A row a point of every line, for programs: mIoU from 0 to 1, differences to the rung before and to no step."""
    for line, of_line in adaptation.curves.items():
        gains = {gain.end: gain.gain for gain in adaptation.gains(line)}
        for point in of_line:
            gain = gains.get(point.labels)
            effect = (
                adaptation.effect(Line(line.variant, line.arm), line, point.labels) if line.step != NO_STEP else None
            )
            row: dict[str, object] = {
                "variant": line.variant,
                "arm": line.arm,
                "step": line.step,
                "labels": point.labels,
                "seeds": point.seeds,
                SCORE: point.miou.value,
                "miou_val_low": point.miou.low,
                "miou_val_high": point.miou.high,
                "miou_test": point.test and point.test.value,
                "miou_test_low": point.test and point.test.low,
                "miou_test_high": point.test and point.test.high,
            }
            for name, of in (("gain", gain), ("step_effect", effect)):
                row |= {f"{name}{end}": None for end in ("", "_low", "_high")}
                if of:
                    row |= {name: of.value, f"{name}_low": of.low, f"{name}_high": of.high}
            yield row


def missing_words(adaptation: Adaptation) -> list[str]:
    """What failed, what is still to come, and which points rest on fewer seeds than others."""
    lines = [
        f"failed: {r.variant}, {r.setting.arm}, {r.setting.labels} labels, seed {r.setting.seed}: {r.reason}"
        for r in adaptation.failed
        if r.setting.step == adaptation.failed[0].setting.step  # of one network, all steps
    ]
    lines += [f"failed: time of {r.setting.step} of {r.variant}: {r.reason}" for r in adaptation.failed_timings]
    if adaptation.missing:
        count = adaptation.missing
        planned = count + sum(
            map(len, (adaptation.records, adaptation.failed, adaptation.timings, adaptation.failed_timings))
        )
        lines.append(
            f"{count} of {planned} planned results {'is' if count == 1 else 'are'} missing: the same `bench adapt` "
            "command goes on with them"
        )
    return [
        *lines,
        *few_images_lines(adaptation.images),
        *_fewer_seeds(adaptation),
        *doubt_lines(adaptation.timings, adaptation.name),
    ]


def _fewer_seeds(adaptation: Adaptation) -> Iterator[str]:
    """Trainings of a variant that lack the same are said together."""
    names = Names(adaptation)
    most = max((point.seeds for of_line in adaptation.plain.values() for point in of_line), default=1)
    lacking: dict[tuple[str, str], list[str]] = {}
    for line in adaptation.plain:
        for words in _lacks(adaptation, line, most):
            lacking.setdefault((names.variants[line.variant], words), []).append(names.arms[line.arm])
    for (variant, words), arms in lacking.items():
        yield f"{variant}, {listed(arms)}: {words}"


def _lacks(adaptation: Adaptation, line: Line, most: int) -> Iterator[str]:
    for seeds in range(1, most):
        fewer = [point.labels for point in adaptation.curves[line] if point.seeds == seeds]
        if fewer:
            yield f"{seeds} of {most} seeds with {listed(fewer)} labels"
    absent = [labels for labels in adaptation.budgets if adaptation.point(line, labels) is None]
    if absent and not _has_all_labels(absent, line, adaptation):
        yield f"nothing with {listed(absent)} labels"


def _has_all_labels(absent: list[int], line: Line, adaptation: Adaptation) -> bool:
    """A mean teacher with all labels has no image without one: it is not missing."""
    return line.arm == "semi" and absent == [adaptation.records[0].setting.of]
