"""What the page of an adaptation says, section by section; Markdown and HTML are two ways to write it down."""

from __future__ import annotations

from collections.abc import Iterator

from bench.adapt.analysis.adaptation import Adaptation
from bench.adapt.analysis.curves import AS_IS, FULL
from bench.adapt.render import curves_figure as adapt_curves
from bench.adapt.render import steps_figure as adapt_steps
from bench.adapt.render.method import caution_words, method_lines
from bench.adapt.render.step_times import NOT_TIMED, TIMES_WORDS, step_time_table
from bench.adapt.render.tables import (
    arm_table,
    curve_table,
    missing_words,
    needed_table,
    step_table,
)
from bench.adapt.render.text import Names, arm_lines, images, miou, step_lines, worth_lines
from bench.render.document import Bullet, Page, Section

FIGURE_WORDS = "mIoU on the validation split against the number of labelled images"


def make_page(adaptation: Adaptation) -> Page:
    """Write the page of an adaptation."""
    names = Names(adaptation)
    title, words = f"{adaptation.name}: what labels are worth", opening_words(adaptation, names)
    return Page(
        title=title, words=words, sections=list(_sections(adaptation, names)), has_step_times=bool(adaptation.timings)
    )


def opening_words(adaptation: Adaptation, names: Names) -> str:
    """How much was trained, and the best with the fewest and with all labels."""
    example, count = adaptation.records[0].setting, len(adaptation.variants)
    words = [f"{count} variant{'s' * (count > 1)}, {images(example.of)} to train on."]
    for labels in dict.fromkeys((adaptation.budgets or [0])[:: max(1, len(adaptation.budgets) - 1)]):
        reached = {line: point for line in adaptation.plain if (point := adaptation.point(line, labels))}
        if reached:
            best = max(reached, key=lambda line: reached[line].miou.value)
            words.append(f"Best with {images(labels)}: {names.line(best)}, {miou(reached[best].miou)} % mIoU val.")
    return " ".join(words)


def _sections(adaptation: Adaptation, names: Names) -> Iterator[Section]:
    warnings = missing_words(adaptation)
    if warnings:
        yield Section(title="Missing or doubtful", bullets=[Bullet(line) for line in warnings], doubtful=True)
    yield Section(
        title="mIoU by labelled images",
        figure=adapt_curves.STEM if adaptation.plain else "",
        figure_words=FIGURE_WORDS,
        table=curve_table(adaptation, names),
        notes="mIoU on the validation split in %, with its 95 % interval over images"
        + (" and seeds" if adaptation.spreads.squares else " alone: there is one seed, and another would move it more")
        + "; the test split was looked at once after each training.",
    )
    if adaptation.plain:
        yield from _labels(adaptation, names)
    if any(line.arm != FULL for line in adaptation.plain) and any(line.arm == FULL for line in adaptation.plain):
        yield Section(
            title="Other trainings beside full fine-tuning",
            bullets=[Bullet(text, lead) for lead, text in arm_lines(adaptation, names)],
            table=arm_table(adaptation, names),
            notes="Points of mIoU val more than full fine-tuning with the same labels and seeds, with 95 % interval. "
            "Seconds: a whole training over its updates, of which all have equally many for the same labels; for a "
            "frozen backbone with the features of images that no training before had seen, for a mean teacher with the "
            "images without labels, and each beside whatever else ran. Ratio of time: to full fine-tuning, median and "
            "quartiles over trainings.",
        )
    if adaptation.steps:
        untimed = [Bullet(NOT_TIMED)] if adaptation.clocked_steps and not adaptation.timings else []
        yield Section(
            title="Steps at inference",
            bullets=[*(Bullet(text, lead) for lead, text in step_lines(adaptation, names)), *untimed],
            figure=adapt_steps.STEM,
            figure_words="points of mIoU that each step adds, by labelled images",
            table=step_table(adaptation, names),
            notes="Points of mIoU val more than the same networks without the step, with 95 % interval. A case: a "
            "variant, a training and a number of labels.",
        )
    if adaptation.timings:
        yield Section(title="What steps take", table=step_time_table(adaptation, names.variants), notes=TIMES_WORDS)
    yield Section(title="How it was measured", terms=method_lines(adaptation, names), notes=caution_words(adaptation))


def _labels(adaptation: Adaptation, names: Names) -> Iterator[Section]:
    bullets = [Bullet(end, name, gains) for name, gains, end in worth_lines(adaptation, names)]
    yield Section(
        title="What the next labels are worth",
        bullets=bullets,
        notes="By mIoU val, each with its 95 % interval; where that leaves out 0, also what one image brings.",
    )
    yield Section(title="Labels needed", table=needed_table(adaptation, names), notes=needed_words(adaptation))


def needed_words(adaptation: Adaptation) -> str:
    """How the table of labels needed is read."""
    has_start = any(line.arm == AS_IS for line in adaptation.curves)
    return (
        "Labelled images at which the curve first reaches an mIoU val, with 95 % interval; straight between two "
        "budgets over the logarithm of labels. ≤: the smallest budget reaches it already; >: all labels do not"
        + ("; 0: the network as it is does." if has_start else ".")
    )
