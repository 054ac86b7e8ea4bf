"""reports/<sweep>/README.md: the page that the forge shows."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis.study import Study
from bench.render.document import Section
from bench.render.document_markdown import escape, markdown_rows, section_parts
from bench.render.published import PUBLISHED_WORDS, published_rows
from bench.render.sweep.text import (
    EFFECT_WORDS,
    difference_words,
    front_words,
    legend_lines,
    setting_lines,
    spread_words,
    sureness_words,
    warning_lines,
)
from bench.render.tables import ResultTable, detail_table, difference_table, effect_table, score_table, sureness_table


def markdown_page(study: Study, table: ResultTable, figures: dict[str, str], adapted: Sequence[Section] = ()) -> str:
    """The whole page.

    Args:
        figures: PNG file name by cost metric.
        adapted: of each adaptation that starts from these trainings.
    """
    seeds = f", mean of {study.seeds} seeds" if study.seeds > 1 else ""
    parts = [
        f"# {study.name}: accuracy against cost",
        "Bold rows lie on at least one Pareto front: no other variant is as accurate for less. The others are "
        "dominated or not measured.",
        markdown_table(table),
        spread_words(study),
        *_sureness(study),
        *_differences(study),
        *(f"![front of {metric}]({name})" for metric, name in figures.items()),
        *(part for section in adapted for part in section_parts(section)),
        "## How it was measured",
        "\n".join(f"- **{what}**: {words}" for what, words in setting_lines(study)),
        *_warnings(study),
        f"## Class IoU on the test split (%{seeds})",
        class_table(study, table),
        *_further(f"## Other scores of the same predictions{seeds and f' ({seeds[2:]})'}", score_table(study)),
        *_further("## Cost in detail", detail_table(study)),
        *_published(study),
        "## Names",
        "\n".join(f"{row.number}. `{row.variant}`" for row in table.rows),
        "## What the columns mean",
        "\n".join(f"- {line}" for line in legend_lines(study)),
        "`index.html` beside this file is the same as one self-contained page; `table.csv` and `table.tex` hold the "
        "table. "
        f"Rendered by `bench report {study.name}` from `results/{study.name}/`.",
    ]
    return "\n\n".join(parts) + "\n"


def _sureness(study: Study) -> list[str]:
    if study.sureness is None:
        return []
    parts = ["## How sure the fronts are", sureness_words(study), _lines(sureness_table(study))]
    parts.append("\n".join(f"- {line}" for line in front_words(study)))
    effects = effect_table(study)
    if effects.rows:
        parts += ["## What one axis does, all else equal", EFFECT_WORDS, _lines(effects, "pairs", "change")]
    return parts


def _differences(study: Study) -> list[str]:
    if not study.differences:
        return []
    return ["## What the module adds", difference_words(study), _lines(difference_table(study))]


def _further(heading: str, table: ResultTable) -> list[str]:
    return [heading, _lines(table)] if table.metrics else []


def _published(study: Study) -> list[str]:
    rows = published_rows(study.accuracy.setting.dataset)
    if not rows:
        return []
    head = ["network", "parameters (M)", "mIoU test (%)", "input", "pretraining", "source"]
    cells = [
        [escape(row[name]) for name in ("name", "parameters", "miou", "input", "pretraining", "source")] for row in rows
    ]
    return ["## Published networks", PUBLISHED_WORDS, markdown_rows(head, [":--", *["--:"] * 3, ":--", ":--"], cells)]


def _lines(table: ResultTable, number: str = "#", label: str = "variant") -> str:
    lines = [_line([number, label, *table.headings]), _line(["--:", ":--", *["--:"] * len(table.headings)])]
    return "\n".join([*lines, *(_line([str(row.number), row.label, *row.cells]) for row in table.rows)])


def markdown_table(table: ResultTable) -> str:
    """The result table; variants on a front are bold."""
    head = ["#", "variant", *table.headings, "on the front of"]
    lines = [_line(head), _line(["--:", ":--", *["--:"] * len(table.headings), ":--"])]
    for row in table.rows:
        name = f"**{row.label}**" if row.front else row.label
        lines.append(_line([str(row.number), name, *row.cells, ", ".join(row.front)]))
    return "\n".join(lines)


def class_table(study: Study, table: ResultTable) -> str:
    """Class IoU of each variant, in the order of the result table."""
    classes = list(next(iter(study.class_iou.values())))
    lines = [_line(["#", *classes]), _line(["--:"] * (len(classes) + 1))]
    for row in table.rows:
        if row.variant in study.class_iou:
            values = study.class_iou[row.variant].values()
            lines.append(_line([str(row.number), *(percent(value) for value in values)]))
    return "\n".join(lines)


def percent(value: float | None) -> str:
    """0.256 -> "25.6"; a dash for a class that does not occur."""
    return "–" if value is None else f"{100 * value:.1f}"


def _warnings(study: Study) -> list[str]:
    lines = warning_lines(study)
    return ["## Missing or doubtful", "\n".join(f"- {line}" for line in lines)] if lines else []


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
