"""reports/<sweep>/index.html: one self-contained page, figures inside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from bench.analysis.study import Study
from bench.metrics import METRICS
from bench.render.document import Section
from bench.render.page.assets import page_script, page_styles
from bench.render.page.data import island, page_data
from bench.render.page.examples import page_examples
from bench.render.page.templating import page_environment
from bench.render.published import PUBLISHED_WORDS, published_rows
from bench.render.sweep.markdown import percent
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
from bench.storage.predictions import Predictions

_MOST_OPEN = 300
"""Rows of a table that lie open: a browser takes seconds to lay out thousands."""


def html_page(
    study: Study,
    table: ResultTable,
    folder: Path,
    predictions: Predictions | None = None,
    adapted: Sequence[Section] = (),
) -> str:
    """The whole page.

    Args:
        folder: where the SVG files are.
        predictions: where trainings left those of a few images; without them the cards show none.
        adapted: of each adaptation that starts from these trainings.
    """
    classes = list(next(iter(study.class_iou.values())))
    class_rows = [
        (row.number, row.label, [percent(value) for value in study.class_iou[row.variant].values()])
        for row in table.rows
        if row.variant in study.class_iou
    ]
    return (
        page_environment()
        .get_template("page.html.j2")
        .render(
            name=study.name,
            table=table,
            spread=spread_words(study),
            settings=setting_lines(study),
            legend=legend_lines(study),
            warnings=warning_lines(study),
            classes=classes,
            class_rows=class_rows,
            sureness=sureness_table(study),
            sureness_words=sureness_words(study) if study.sureness else "",
            fronts=front_words(study) if study.sureness else [],
            effects=effect_table(study),
            effect_words=EFFECT_WORDS,
            scores=score_table(study),
            details=detail_table(study),
            differences=difference_table(study),
            difference_words=difference_words(study) if study.differences else "",
            figures=[(METRICS[m].label, inline_svg(folder / f"front_{m}.svg", m)) for m in study.cost_metrics],
            adapted=adapted,
            curves={s.figure: inline_svg(folder / f"{s.figure}.svg", s.figure) for s in adapted},
            styles=page_styles(),
            script=page_script(),
            data=island(page_data(study)),
            examples=island(page_examples(study, predictions)),
            most_open=_MOST_OPEN,
            published=published_rows(study.accuracy.setting.dataset),
            published_words=PUBLISHED_WORDS,
        )
    )


def inline_svg(path: Path, prefix: str) -> Markup:
    """The SVG element, scaled by the page, its ids made unique among the figures of the page."""
    text = path.read_text(encoding="utf-8")
    svg = text[text.index("<svg") :]
    svg = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{prefix}_", svg)
    head, rest = svg.split(">", 1)
    head = re.sub(r'\s(width|height)="[^"]*"', "", head)
    return Markup(f'{head} role="img">{rest}')  # noqa: S704 - our own drawing
