"""How an adaptation trains: a schedule by updates, since eight images make no epochs that could be compared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bench.errors import UserError
from bench.settings.adaptation import Arm
from bench.settings.schedule import Schedule

ARMS: dict[Arm, str] = {
    "as_is": "as it is",
    "full": "full fine-tuning",
    "frozen": "frozen backbone",
    "semi": "mean teacher",
}
"""as_is: no label at all."""
UPDATES = 300
_BASE: dict[str, Any] = {
    "batch_size": 8,
    "learning_rate": 5e-4,
    "weight_decay": 0.02,
    "scale": (0.75, 1.5),
    "ema": 0.98,
    "class_weighting": "logarithmic",
    "colour_jitter": 0.2,
}
_ON_FEATURES: dict[str, Any] = {"crop": None, "scale": (1.0, 1.0), "colour_jitter": 0.0}
"""Features are of whole images, taken once."""
_FROZEN_RATE = 4
"""Learning rate of what is trained alone, over that of the whole."""


def schedule_for(arm: Arm, labels: int, size: tuple[int, int], updates: int, changes: Mapping[str, Any]) -> Schedule:
    """The schedule of one training: as many updates whatever the budget.

    Args:
        labels: images.
        size: width and height of the images; crops are as large.
        changes: keys of a recipe, in place of the defaults.

    Raises:
        UserError: the recipe has the contrastive term, which full fine-tuning alone can have.
    """
    if arm in ("frozen", "semi") and changes.get("contrastive"):
        raise UserError(
            f"the recipe has the contrastive term, which the arm {arm!r} cannot train with: leave one of them out."
        )
    keys = {**_BASE, "crop": size, **{key: value for key, value in changes.items() if key != "epochs"}}
    if arm == "frozen":
        keys |= {"learning_rate": min(0.5, _FROZEN_RATE * keys["learning_rate"]), **_ON_FEATURES}
    if arm == "semi":
        keys["ema"] = None  # the teacher is the average
    if arm != "full":
        keys.pop("compile", None)  # their loops have passes of their own
    each = max(1, labels // min(keys["batch_size"], labels))
    return Schedule.model_validate({**keys, "epochs": math.ceil(updates / each)})
