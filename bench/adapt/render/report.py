"""Write the report folder of one adaptation: figures, README.md, index.html, table.csv and steps.csv."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bench.adapt.analysis.adaptation import Adaptation
from bench.adapt.render.curves_figure import curves_info, save_curves
from bench.adapt.render.page import make_page
from bench.adapt.render.step_times import step_time_rows
from bench.adapt.render.steps_figure import save_steps, steps_info
from bench.adapt.render.tables import number_rows
from bench.adapt.render.text import Names
from bench.render.document import Page
from bench.render.document_markdown import markdown
from bench.render.output_folder import report_folder
from bench.render.page.assets import page_styles
from bench.render.page.templating import page_environment
from bench.render.sweep.html import inline_svg
from bench.storage.store import FOLDER


def write_adaptation(adaptation: Adaptation, reports_dir: Path) -> Path:
    """Render below `reports_dir`/adapt; returns the page.

    Raises:
        UserError: the folder cannot be written.
    """
    folder, names = reports_dir / FOLDER / adaptation.name, Names(adaptation)
    with report_folder(folder):
        for old in (*folder.glob("curves.*"), *folder.glob("steps.*")):  # of what is no longer there
            old.unlink()
        if adaptation.plain:
            save_curves(curves_info(adaptation, names), folder)
        if adaptation.steps:
            save_steps(steps_info(adaptation, names), folder)
        pd.DataFrame(number_rows(adaptation)).to_csv(folder / "table.csv", index=False)
        if adaptation.timings:
            pd.DataFrame(step_time_rows(adaptation)).to_csv(folder / "steps.csv", index=False)
        made = make_page(adaptation)
        (folder / "README.md").write_text(markdown(made, adaptation.name), encoding="utf-8")
        page = folder / "index.html"
        page.write_text(html(made, folder), encoding="utf-8")
    return page


def html(page: Page, folder: Path) -> str:
    """The whole page.

    Args:
        folder: where the SVG files are.
    """
    figures = {s.figure: inline_svg(folder / f"{s.figure}.svg", s.figure) for s in page.sections if s.figure}
    return page_environment().get_template("adapt.html.j2").render(page=page, figures=figures, styles=page_styles())
