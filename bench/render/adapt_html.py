"""reports/adapt/<name>/index.html: one self-contained page, figures inside."""

from __future__ import annotations

from pathlib import Path

from bench.render.adapt_page import Page
from bench.render.html import inline_svg
from bench.render.page_assets import page_styles
from bench.render.templating import page_environment


def html(page: Page, folder: Path) -> str:
    """The whole page.

    Args:
        folder: where the SVG files are.
    """
    figures = {s.figure: inline_svg(folder / f"{s.figure}.svg", s.figure) for s in page.sections if s.figure}
    return page_environment().get_template("adapt.html.j2").render(page=page, figures=figures, styles=page_styles())
