"""Options that several commands share."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

results_option: Decorator = click.option(
    "--results",
    "results_dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    show_default=True,
    help="Folder of the records.",
)
reports_option: Decorator = click.option(
    "--reports",
    "reports_dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Folder of the pages and figures.",
)
json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")


class SizeType(click.ParamType[tuple[int, int]]):
    """WIDTHxHEIGHT in pixels."""

    name = "WIDTHxHEIGHT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        sides = re.fullmatch(r"([0-9]{1,9})[xX]([0-9]{1,9})", str(value))
        if not sides or int(sides[1]) < 32 or int(sides[2]) < 32:
            self.fail(f"{value!r} is not WIDTHxHEIGHT of at least 32x32 pixels, for example 2048x1024", param, ctx)
        return int(sides[1]), int(sides[2])


class CountType(click.ParamType[int]):
    """A number of parameters, such as 5M, 750k or 5000000."""

    name = "NUMBER"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from bench.quantities import read_number

        try:
            return read_number(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class AmountType(click.ParamType[float]):
    """A number above 0."""

    name = "NUMBER"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not 0 < number < math.inf:
            self.fail(f"{value!r} is not a number above 0, for example 30", param, ctx)
        return number


max_gmacs_option: Decorator = click.option(
    "--max-gmacs",
    type=AmountType(),
    help="Leave out variants of more multiply-adds, in 10^9.",
)
max_params_option: Decorator = click.option(
    "--max-params", type=CountType(), help="Leave out variants of more parameters, such as 5M."
)
workers_option: Decorator = click.option(
    "--workers", type=click.IntRange(1, 256), help="Processes at a time.  [default: number of cores]"
)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
