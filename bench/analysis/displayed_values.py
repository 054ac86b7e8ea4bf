"""Numbers at the digits that readers see: a difference that is not printed puts nothing on a front, nor off it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.metrics import METRICS


def as_shown(metric: str, values: ArrayLike) -> NDArray[np.float64]:
    """Values in the metric's stored unit as they are printed, in the shown unit; NaN stays.

    FLOPs are twice the MACs as these are printed: the front does not depend on how a multiply-add is said.
    """
    if metric == "flops":
        return 2 * as_shown("macs", np.asarray(values, float) / 2)
    distinct, places = np.unique(np.asarray(values, float), return_inverse=True)
    show = METRICS[metric].show
    shown = np.array([math.nan if math.isnan(value) else float(show(value)) for value in distinct.tolist()])
    return shown[places] if len(shown) else shown
