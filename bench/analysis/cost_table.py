"""The costs of a space as a table with a row a variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.analysis.labels import backbone_labels, short_labels
from bench.cost.figures import PARTS, Cost


@dataclass(frozen=True, kw_only=True)
class CostRow:
    """One counted variant: its name, hash and axes by name, and its cost."""

    variant: str
    content_hash: str
    axes: dict[str, Any]
    cost: Cost


def cost_table(rows: Sequence[CostRow], size: tuple[int, int], classes: int) -> pd.DataFrame:
    """The table, from the fewest MACs to the most.

    Columns: variant, label, content_hash, the input, the axes of the specs, the figures of `Cost.metrics`, flops (two
    a multiply-add), MACs and parameters by part, unknown_operators (text; costs are lower bounds where it is not "").
    """
    ordered = sorted(rows, key=lambda row: (row.cost.total.macs, row.cost.whole.parameters, row.variant))
    table = pd.DataFrame([_row(row, size, classes) for row in ordered])
    axes = [row.axes for row in ordered]
    table.insert(1, "label", short_labels(axes))
    table.insert(2, "backbone_label", [label or "built as a whole" for label in backbone_labels(axes)])
    return table


def _row(row: CostRow, size: tuple[int, int], classes: int) -> dict[str, Any]:
    metrics = row.cost.metrics()
    parts, weights = row.cost.by_part(), row.cost.weights_by_part()
    axes = {axis: _plain(value) for axis, value in row.axes.items()}
    return (
        {"variant": row.variant, "content_hash": row.content_hash, "width": size[0], "height": size[1]}
        | {"classes": classes}
        | axes
        | metrics
        | {"flops": 2 * metrics["macs"]}
        | {f"macs_{part}": parts[part].macs for part in PARTS if part in parts}
        | {f"parameters_{part}": weights[part].parameters for part in PARTS if part in weights}
        | {"unknown_operators": ", ".join(row.cost.unknown)}
    )


def _plain(value: Any) -> Any:
    """One type a column, as Parquet wants it: stages as "1234", widths as text beside "x0.5"."""
    return "".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
