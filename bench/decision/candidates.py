"""Candidates of a decision: a variant with one number a metric, over the repeats of its measurements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.analysis.candidates import Candidate
from bench.analysis.result_table import CENTRE
from bench.decision.evidence import Rows
from bench.metrics import SCORE
from bench.storage.records import GROUPS, Group


def candidates_of(rows: Rows, metrics: Sequence[str], shown: Sequence[str]) -> tuple[list[Candidate], list[str]]:
    """The variants of whom all `metrics` are known, and the names of the others; both by falling mIoU, as a report.

    Args:
        shown: metrics that are kept where they are known.
    """
    values = {name: _over_repeats(rows, name) for name in dict.fromkeys((SCORE, *metrics, *shown))}
    order = np.argsort(-values[SCORE], kind="stable")
    complete = ~np.any([np.isnan(values[name]) for name in metrics], axis=0)[order]
    _, first = np.unique(rows.spec, return_index=True)
    names = [rows.names[number] for number in rows.variant[first][order].tolist()]
    columns = [values[name][order].tolist() for name in values]
    candidates = [
        Candidate(name, {metric: value for metric, value in zip(values, numbers, strict=True) if value == value})  # noqa: PLR0124
        for name, numbers, all_known in zip(names, zip(*columns, strict=True), complete.tolist(), strict=True)
        if all_known
    ]
    return candidates, [name for name, all_known in zip(names, complete.tolist(), strict=True) if not all_known]


def _over_repeats(rows: Rows, metric: str) -> NDArray[np.float64]:
    """(specs,) as `join.over_repeats` has it: NaN where a repeat does not know it."""
    centres = np.full(rows.spec.max(initial=-1) + 1, np.nan)
    for group in GROUPS:
        places = rows.of(group)
        if group == "latency":
            places = places[~np.isnan(rows.values[metric][places])]
        if len(places) and not np.isnan(rows.values[metric][places]).all():
            specs, numbers = _centres(rows.spec[places], rows.values[metric][places], group)
            centres[specs] = numbers
    return centres


def _centres(
    spec: NDArray[np.int64], values: NDArray[np.float64], group: Group
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The specs that occur, and of each the centre of its values."""
    order = np.argsort(spec, kind="stable")
    specs, starts, counts = np.unique(spec[order], return_index=True, return_counts=True)
    found = values[order]
    numbers = found[starts]
    for number in np.flatnonzero(counts > 1).tolist():
        repeats = found[starts[number] : starts[number] + counts[number]]
        numbers[number] = np.nan if np.isnan(repeats).any() else CENTRE[group](repeats.tolist())
    return specs, numbers
