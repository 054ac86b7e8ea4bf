"""Write one sweep's report folder: figures, README.md, index.html, and the table as CSV, Parquet and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.judge.adaptation import Adaptation
from bench.judge.study import Study
from bench.predictions import Predictions
from bench.render.adapt_excerpt import save_excerpt
from bench.render.front_figure import front_info, save_front
from bench.render.html import html_page
from bench.render.markdown import markdown_page
from bench.render.report_folder import report_folder
from bench.render.table import result_table
from bench.render.table_files import write_table_files


def write_report(
    study: Study, reports_dir: Path, predictions: Predictions | None = None, adaptations: Sequence[Adaptation] = ()
) -> Path:
    """Render the study below `reports_dir`; returns the page.

    Args:
        predictions: see `html_page`.
        adaptations: that start from its trainings; an excerpt of each stands on the page.

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
        adapted = [save_excerpt(adaptation, folder) for adaptation in adaptations]
        (folder / "README.md").write_text(markdown_page(study, table, png, adapted), encoding="utf-8")
        page = folder / "index.html"
        page.write_text(html_page(study, table, folder, predictions, adapted), encoding="utf-8")
    return page
