"""The costs of a whole space: counted, filtered, written and drawn."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common.counting import count_with_progress
from bench.cli.common.output import say
from bench.cli.common.tables import make_console, make_table
from bench.errors import ExitCode
from bench.metrics import BOUNDED, CONVENTION_WORDS, LOWER_BOUND, METRICS

if TYPE_CHECKING:
    import pandas as pd

    from bench.cost.budget import Budget
    from bench.sweep.space_costs import SpaceCosts
    from bench.sweep.target import Target

_ROWS = 40
"""Variants up to which each has a row in the terminal."""


def run_space(target: Target, budget: Budget, flops: bool, workers: int, reports_dir: Path, as_json: bool) -> bool:
    """Count a space, write its tables and figure, print them. False where a cost is a lower bound or missing."""
    from bench.sweep.space_costs import SpaceCosts

    counted = count_with_progress(target.specs, target.classes, target.size, workers)
    costs = SpaceCosts.of(counted, target, budget)
    for name, reason in costs.failed.items():
        say(f"cannot be counted: {name}: {reason}")
    if costs.is_empty:
        sys.exit(ExitCode.NOTHING_MEASURED)
    costs.require_some_within()
    folder = reports_dir / str(target.space)
    _write(costs, flops, folder)
    if as_json:
        click.echo((folder / "costs.json").read_text(encoding="utf-8"), nl=False)
    else:
        _print(target, costs.within, flops)
    if budget:
        say(f"budget: {budget}: {len(costs.within)} of {len(counted)} variants are within")
    for name, operators in costs.without_formula.items():
        say(f"no formula: {name}: {operators}; its costs are lower bounds")
    say(f"written: {folder}/costs.csv, costs.parquet, costs.json, cost_space.png, cost_space.svg")
    return not costs.failed and not costs.without_formula


def _write(costs: SpaceCosts, flops: bool, folder: Path) -> None:
    from bench.cost.published import published_networks
    from bench.render.cost_files import write_cost_files
    from bench.render.figures.cost_figure import cost_figure_info, save_cost_figure

    write_cost_files(costs.within, costs.about(), folder)
    info = cost_figure_info(
        costs.within,
        costs.beyond,
        title=f"{costs.target.space}: parameters against {'FLOPs' if flops else 'MACs'}",
        published=published_networks(),
        limits=(costs.budget.max_gmacs, costs.budget.max_parameters),
        metric="flops" if flops else "macs",
    )
    save_cost_figure(info, folder)


def _print(target: Target, table: pd.DataFrame, flops: bool) -> None:
    """A row a variant, or a row a backbone where there are many."""
    core = "flops" if flops else "macs"
    keys = (core, "rest_operations", "parameters", "activations", "peak_bytes", "weight_bytes", "int8_bytes")
    many = len(table) > _ROWS
    out = make_table("backbone" if many else "variant", *(["variants"] * many), *(_heading(key) for key in keys))
    if many:
        for name, rows in table.groupby("backbone_label", sort=True):
            mark = LOWER_BOUND if (rows["unknown_operators"] != "").any() else ""
            ranges = (_range(rows[key].min(), rows[key].max(), key, mark) for key in keys)
            out.add_row(str(name), str(len(rows)), *ranges)
    else:
        for row in table.to_dict("records"):
            mark = LOWER_BOUND if row["unknown_operators"] else ""
            out.add_row(str(row["label"]), *(_cell(row[key], key, mark) for key in keys))
    console = make_console()
    width, height = target.size
    console.print(f"{target.space}: {len(table)} variants, one image of {width}x{height}, {target.classes} classes")
    console.print(out)
    words = CONVENTION_WORDS["flops" if flops else "macs"]
    console.print(f"{words} Peak memory: of activations in eager PyTorch, float32.")


def _heading(key: str) -> str:
    metric = METRICS[key]
    return f"{metric.label}\n({metric.unit})"


def _cell(value: Any, key: str, mark: str) -> str:
    return f"{mark if key in BOUNDED else ''}{METRICS[key].show(value)}"


def _range(low: Any, high: Any, key: str, mark: str) -> str:
    first, last = _cell(low, key, mark), METRICS[key].show(high)
    return first if METRICS[key].show(low) == last else f"{first}–{last}"
