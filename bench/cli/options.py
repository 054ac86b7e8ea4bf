"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

results_option: Decorator = click.option(
    "--results", "results_dir", type=click.Path(path_type=Path, file_okay=False), default=Path("results"),
    show_default=True, help="Folder of the records.",
)  # fmt: skip
reports_option: Decorator = click.option(
    "--reports", "reports_dir", type=click.Path(path_type=Path, file_okay=False), default=Path("reports"),
    show_default=True, help="Folder of the pages and figures.",
)  # fmt: skip
json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")


class SizeType(click.ParamType[tuple[int, int]]):
    """WIDTHxHEIGHT in pixels."""

    name = "WIDTHxHEIGHT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        width, _, height = str(value).lower().partition("x")
        if not (width.isdigit() and height.isdigit() and int(width) >= 32 and int(height) >= 32):
            self.fail(f"{value!r} is not WIDTHxHEIGHT of at least 32x32 pixels, for example 2048x1024", param, ctx)
        return int(width), int(height)
