"""Style and script of the page, as text that goes into it: the page is one file."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from bench.render.figures.style import DARK_PALETTE, PALETTE

_FOLDER = Path(__file__).with_name("templates")
_SCRIPTS = (
    "data",
    "words",
    "pick",
    "front",
    "state",
    "dom",
    "scale",
    "shapes",
    "chart",
    "numbers",
    "cloud",
    "pointer",
    "controls",
    "verdict",
    "examples",
    "card",
    "bars",
    "diagram",
    "share",
    "main",
)
"""Each is a file; the last one starts the page."""


def page_styles() -> Markup:
    """The style sheet, with the colours of the figures as variables."""
    light, dark = _colours(PALETTE), _colours(DARK_PALETTE)
    rules = f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"
    in_print = f"@media print {{ :root {{ {light} }} }}"
    return Markup(f"{rules}\n{_read('page.css')}{in_print}")  # noqa: S704 - our own files


def page_script() -> Markup:
    """All scripts as one, which shares no name with what else may run in the page."""
    parts = "\n".join(_read(f"page_{name}.js") for name in _SCRIPTS)
    return Markup(f'(() => {{\n"use strict";\n{parts}}})();')  # noqa: S704 - our own files


def _colours(palette: tuple[str, ...]) -> str:
    return " ".join(f"--c{number}: {colour};" for number, colour in enumerate(palette))


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
