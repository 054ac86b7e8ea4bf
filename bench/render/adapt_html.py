"""reports/adapt/<name>/index.html: one self-contained page, figures inside."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from bench.render.adapt_page import Page
from bench.render.html import inline_svg
from bench.render.page_assets import page_styles


def html(page: Page, folder: Path) -> str:
    """The whole page.

    Args:
        folder: where the SVG files are.
    """
    environment = Environment(
        loader=PackageLoader("bench.render"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    figures = {s.figure: inline_svg(folder / f"{s.figure}.svg", s.figure) for s in page.sections if s.figure}
    return environment.get_template("adapt.html.j2").render(page=page, figures=figures, styles=page_styles())
