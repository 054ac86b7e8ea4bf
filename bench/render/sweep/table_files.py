"""The result table for other programs and for papers: CSV, Parquet, LaTeX."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from bench.analysis.study import Study
from bench.metrics import METRICS, SCORE
from bench.render.tables import ResultTable

_ESCAPED = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "≥": r"$\geq$",
    "·": r"$\cdot$",
    "–": "--",
    "×": r"$\times$",
}


def write_table_files(study: Study, table: ResultTable, folder: Path) -> None:
    """Write table.csv, table.parquet and table.tex.

    CSV and Parquet hold stored units (mIoU from 0 to 1, MACs, parameters, milliseconds) with the ends of each spread;
    LaTeX what the page shows, for the packages booktabs and graphicx.

    Raises:
        OSError: the folder cannot be written.
    """
    frame = _numbers(study)
    frame.to_csv(folder / "table.csv", index=False)
    frame.to_parquet(folder / "table.parquet", index=False)
    (folder / "table.tex").write_text(_latex(study, table), encoding="utf-8")


def _numbers(study: Study) -> pd.DataFrame:
    """A row a variant: its name, its axes, then its numbers."""
    metrics = [SCORE, "miou_test", *study.score_metrics, *study.cost_metrics, *study.detail_metrics]
    columns = [f"{metric}{end}" for metric in metrics for end in ("", "_low", "_high")]
    fronts = [f"on_front_{metric}" for metric in study.cost_metrics]
    axes = [name for name in study.table if not _is_number(str(name))]
    kept = [*axes, *(name for name in (*columns, *fronts) if name in study.table)]
    frame = study.table[kept].copy()
    for name in axes:
        frame[name] = [_word(value) for value in frame[name]]
    return frame


def _is_number(column: str) -> bool:
    return column.startswith("on_front_") or any(column.startswith(metric) for metric in (*METRICS, "is_lower_bound"))


def _word(value: Any) -> str:
    """An axis as text: a column of one type, whatever its values are."""
    if isinstance(value, list | tuple):
        return "".join(map(str, value))
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if missing else str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _latex(study: Study, table: ResultTable) -> str:
    """Rows on a front in bold type, as on the page."""
    head = ["\\#", "variant", *(_escape(METRICS[metric].heading) for metric in table.metrics)]
    lines = [
        f"% {study.name}, rendered by bench report; needs booktabs and graphicx",
        "\\resizebox{\\linewidth}{!}{%",
        f"\\begin{{tabular}}{{rl{'r' * len(table.metrics)}}}",
        "\\toprule",
        _row(head),
        "\\midrule",
    ]
    for row in table.rows:
        label = _escape(row.label)
        cells = [str(row.number), f"\\textbf{{{label}}}" if row.front else label, *map(_escape, row.cells)]
        lines.append(_row(cells))
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}}", ""])


def _row(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _escape(text: str) -> str:
    return "".join(_ESCAPED.get(letter, letter) for letter in text)
