"""The cost table of a space as CSV, Parquet and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from bench.render.output_folder import report_folder


def write_cost_files(table: pd.DataFrame, about: dict[str, Any], folder: Path) -> list[Path]:
    """Write costs.csv, costs.parquet and costs.json; returns the paths.

    Args:
        table: of `bench.analysis.cost_table.cost_table`.
        about: what stands beside the variants in the JSON file: space, input, counter, commit.

    Raises:
        UserError: the folder cannot be written.
    """
    paths = [folder / f"costs.{ending}" for ending in ("csv", "parquet", "json")]
    bare = table.drop(columns=["label", "backbone_label"])
    rows = [{k: v for k, v in row.items() if v is not None} for row in _without_gaps(bare).to_dict("records")]
    with report_folder(folder):
        _whole_numbers(bare).to_csv(paths[0], index=False)
        _whole_numbers(bare).to_parquet(paths[1], index=False)
        paths[2].write_text(json.dumps(about | {"variants": rows}, indent=1) + "\n", encoding="utf-8")
    return paths


def _whole_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Whole numbers with gaps, which pandas holds as floats, as whole numbers."""
    gaps = [
        name for name in map(str, table) if name.startswith(("macs_", "parameters_")) and table[name].dtype == float
    ]
    return table.astype(dict.fromkeys(gaps, "Int64"))


def _without_gaps(table: pd.DataFrame) -> pd.DataFrame:
    return _whole_numbers(table).astype(object).where(table.notna(), None)
