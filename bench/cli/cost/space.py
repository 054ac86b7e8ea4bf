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

    from bench.cost.batch import Counted
    from bench.cost.budget import Budget
    from bench.sweep.target import Target

_ROWS = 40
"""Variants up to which each has a row in the terminal."""


def run_space(target: Target, budget: Budget, flops: bool, workers: int, reports_dir: Path, as_json: bool) -> bool:
    """Count a space, write its tables and figure, print them. False where a cost is a lower bound or missing."""
    counted = count_with_progress(target.specs, target.classes, target.size, workers)
    failed = [c for c in counted if c.cost is None]
    for one in failed:
        say(f"cannot be counted: {one.spec.name}: {one.reason}")
    if len(failed) == len(counted):
        sys.exit(ExitCode.NOTHING_MEASURED)
    within = [c for c in counted if c.cost is not None and budget.holds(c.cost)]
    beyond = [c for c in counted if c.cost is not None and not budget.holds(c.cost)]
    if not within:
        raise budget.refuse_all(len(counted))
    folder = reports_dir / str(target.space)
    table, rest = _table(within, target), _table(beyond, target)
    _write(target, budget, table=table, beyond=rest, flops=flops, folder=folder, failed=failed)
    if as_json:
        click.echo((folder / "costs.json").read_text(encoding="utf-8"), nl=False)
    else:
        _print(target, table, flops)
    if budget:
        say(f"budget: {budget}: {len(within)} of {len(counted)} variants are within")
    for name, operators in _unknown(table).items():
        say(f"no formula: {name}: {operators}; its costs are lower bounds")
    say(f"written: {folder}/costs.csv, costs.parquet, costs.json, cost_space.png, cost_space.svg")
    return not failed and not _unknown(table)


def _table(counted: list[Counted], target: Target) -> pd.DataFrame:
    import pandas as pd

    from bench.analysis.cost_table import CostRow, cost_table

    rows = [
        CostRow(variant=c.spec.name, content_hash=c.spec.content_hash, axes=c.spec.to_json(), cost=c.cost)
        for c in counted
        if c.cost
    ]
    return cost_table(rows, target.size, target.classes) if rows else pd.DataFrame()


def _write(
    target: Target,
    budget: Budget,
    table: pd.DataFrame,
    beyond: pd.DataFrame,
    flops: bool,
    folder: Path,
    failed: list[Counted],
) -> None:
    from bench.cost.published import published_networks
    from bench.render.cost_files import write_cost_files
    from bench.render.figures.cost_figure import cost_figure_info, save_cost_figure
    from bench.settings.cost import COUNTER, COUNTING_METHOD
    from bench.system.machine import commit, versions

    about = {
        "space": target.space,
        "size": list(target.size),
        "classes": target.classes,
        "budget": str(budget),
        "beyond_budget": len(beyond),
        "failed": {c.spec.name: c.reason for c in failed},
        "counter": COUNTER,
        "method": COUNTING_METHOD,
        "commit": commit(),
        "versions": versions(),
    }
    write_cost_files(table, about, folder)
    limits = (budget.max_gmacs, budget.max_parameters)
    title = f"{target.space}: parameters against {'FLOPs' if flops else 'MACs'}"
    metric = "flops" if flops else "macs"
    save_cost_figure(
        cost_figure_info(table, beyond, title=title, published=published_networks(), limits=limits, metric=metric),
        folder,
    )


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


def _unknown(table: pd.DataFrame) -> dict[str, str]:
    if table.empty:
        return {}
    rows = table[table["unknown_operators"] != ""]
    return dict(zip(rows["variant"], rows["unknown_operators"], strict=True))
