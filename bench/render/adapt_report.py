"""Write the report folder of one adaptation: figures, README.md, index.html, table.csv and steps.csv."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bench.adaptations import FOLDER
from bench.judge.adaptation import Adaptation
from bench.render.adapt_curves import curves_info, save_curves
from bench.render.adapt_html import html
from bench.render.adapt_markdown import markdown
from bench.render.adapt_page import make_page
from bench.render.adapt_step_times import step_time_rows
from bench.render.adapt_steps import save_steps, steps_info
from bench.render.adapt_tables import number_rows
from bench.render.adapt_words import Names
from bench.render.report_folder import report_folder


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
