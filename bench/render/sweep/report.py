"""Write one sweep's report folder: figures, README.md, index.html, and the table as CSV, Parquet and LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bench.analysis.study import Study
from bench.render.document import Section
from bench.render.figures.front_figure import front_info, save_front
from bench.render.output_folder import report_folder
from bench.render.sweep.html import html_page
from bench.render.sweep.markdown import markdown_page
from bench.render.sweep.table_files import write_table_files
from bench.render.tables import result_table
from bench.storage.predictions import Predictions

Excerpt = Callable[[Path], Section]
"""Draws its figures into the folder of the report and returns its section."""


def write_report(
    study: Study, reports_dir: Path, predictions: Predictions | None = None, excerpts: Sequence[Excerpt] = ()
) -> Path:
    """Render the study below `reports_dir`; returns the page.

    Args:
        predictions: see `html_page`.
        excerpts: of what else was made of its trainings, as adaptations to other images.

    Raises:
        UserError: the folder cannot be written.
    """
    folder = reports_dir / study.name
    with report_folder(folder):
        for old in (*folder.glob("front_*.*"), *folder.glob("curves_*.*")):  # of what is no longer there
            old.unlink()
        for metric in study.cost_metrics:
            save_front(front_info(study, metric), folder)
        table = result_table(study)
        write_table_files(study, table, folder)
        png = {metric: f"front_{metric}.png" for metric in study.cost_metrics}
        adapted = [excerpt(folder) for excerpt in excerpts]
        (folder / "README.md").write_text(markdown_page(study, table, png, adapted), encoding="utf-8")
        page = folder / "index.html"
        page.write_text(
            html_page(study, table, folder=folder, predictions=predictions, adapted=adapted), encoding="utf-8"
        )
    return page
