"""What `bench guard` is told: how much growth it lets through, and which files it writes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from bench.cli.common.output import say
from bench.errors import UserError, did_you_mean
from bench.guard.cost_baseline import GUARDED
from bench.guard.cost_comparison import Allowance
from bench.guard.render.cost.formats import FORMATS
from bench.paths import is_dir

_NAMES = {metric: metric for metric in GUARDED} | {"peak_memory": "peak_bytes"}
_SAID = ("macs", "parameters", "activations", "peak_memory")


@dataclass(frozen=True)
class Growth:
    """Percent of growth that is let through; metric None: of every figure."""

    metric: str | None
    percent: Fraction


@dataclass(frozen=True)
class Output:
    """A file and the format that goes into it."""

    form: str
    path: Path


class GrowthType(click.ParamType[Growth]):
    """PERCENT or METRIC=PERCENT."""

    name = "[METRIC=]PERCENT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        name, equals, number = str(value).rpartition("=")
        bare = number.removesuffix("%").strip()
        if equals and name not in _NAMES:
            hint = did_you_mean(name, _SAID)
            self.fail(f"{str(value)!r}: {name!r} is not one of {', '.join(_SAID)}.{hint}", param, ctx)
        if not re.fullmatch(r"[0-9]{1,300}(\.[0-9]{1,300})?", bare):
            self.fail(f"{str(value)!r}: {number!r} is no percentage from 0, as in 0.5 or macs=0.5", param, ctx)
        return Growth(_NAMES.get(name), Fraction(bare))


class OutputType(click.ParamType[Output]):
    """FORMAT=FILE, a file that can be written."""

    name = "FORMAT=FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        form, _, name = str(value).partition("=")
        if form not in FORMATS or not name:
            hint = did_you_mean(form, FORMATS) if form not in FORMATS else ""
            said = f"{str(value)!r} is not FORMAT=FILE with a format of {', '.join(FORMATS)}"
            self.fail(f"{said}, as in junit=guard.xml.{hint}", param, ctx)
        path = Path(name)
        if is_dir(path):
            self.fail(f"{name!r} is a folder. Name a file, as in {form}={path / 'guard.txt'}", param, ctx)
        if not is_dir(path.parent):
            self.fail(f"no folder {str(path.parent)!r} for {name!r}. `mkdir -p {path.parent}` makes it", param, ctx)
        fault = _why_not_written(path)
        if fault:
            self.fail(f"{name!r} cannot be written: {fault}. Name another file", param, ctx)
        return Output(form, path)


def _why_not_written(path: Path) -> str:
    """Why a file of a folder that is there cannot be written; "" where it can."""
    try:
        written = path if path.exists() else path.parent
    except OSError as error:  # a name that is too long
        return str(error.strerror).lower()
    return "" if os.access(written, os.W_OK) else "permission denied"


def read_allowance(given: tuple[Growth, ...]) -> Allowance:
    """The percentages by figure: what is said of one figure counts before what is said of all; else 0.

    Raises:
        UserError: the same is said twice.
    """
    said: dict[str | None, Fraction] = {}
    for growth in given:
        if growth.metric in said:
            what = f"for {growth.metric}" if growth.metric else "for every figure"
            raise UserError(f"--allow is given twice {what}. Give it once, as in --allow 0.5 --allow macs=1.")
        said[growth.metric] = growth.percent
    everywhere = said.get(None, Fraction(0))
    return {metric: said.get(metric, everywhere) for metric in GUARDED}


def check_outputs(outputs: tuple[Output, ...]) -> None:
    """Refuse two formats in one file.

    Raises:
        UserError: a file is named twice.
    """
    paths = [output.path.resolve() for output in outputs]
    for output in outputs:
        if paths.count(output.path.resolve()) > 1:
            raise UserError(f"--write names {output.path} twice. Give each format its own file.")


def show_report(
    texts: Mapping[str, str], form: str, outputs: tuple[Output, ...], verdict: str, steps: Iterable[str]
) -> None:
    """Print the report in one format, write it in others, and say the verdict and what to do.

    Args:
        texts: the report by format.
        verdict: said where the format on stdout is for programs.

    Raises:
        UserError: a file cannot be written.
    """
    click.echo(texts[form], nl=False)
    for output in outputs:
        write_output(output, texts[output.form])
        say(f"written: {output.path}")
    if form != "table":
        say(verdict)
    for step in steps:
        say(step)


def write_output(output: Output, text: str) -> None:
    """Write a file whole; GitHub's summary of a step is added to, since other steps write there too.

    Raises:
        UserError: it cannot be written.
    """
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    adds = summary is not None and output.path.exists() and output.path.resolve() == Path(summary).resolve()
    try:
        with output.path.open("a" if adds else "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError as error:
        raise UserError(f"cannot write {output.path}: {error.strerror}. Name another file with --write.") from None
