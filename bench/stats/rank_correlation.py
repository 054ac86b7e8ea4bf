"""Spearman's rank correlation: do two figures put variants in the same order?"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

LEAST = 4
"""Variants from which an order says something."""


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's rho, from -1 to 1; ties share their mean rank (Kendall, Rank Correlation Methods, 1948).

    None for fewer than four pairs, or where all of one figure are equal.
    """
    if len(first) < LEAST or len(set(first)) == 1 or len(set(second)) == 1:
        return None
    ranks = [pd.Series(list(values)).rank() for values in (first, second)]
    return float(ranks[0].corr(ranks[1]))
