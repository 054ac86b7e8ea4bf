"""With what an accuracy is measured, beside its schedule and its data. Imports no torch."""

from typing import Literal

TRAINING_METHOD = 3
"""Version of training and evaluation: raised when it changes a number by more than the order and the places in which it
is rounded. 1 was float32 and resized whole images; 2 drew its crops from torch's global random state."""
RANDOM = "random"
"""Stands in place of a key where weights are those of a random start."""
TrainPrecision = Literal["float32", "bfloat16"]
TrainingWay = tuple[str, TrainPrecision]
"""Device and precision of a training."""
TRAINING_WAYS: tuple[TrainingWay, ...] = (
    ("cuda", "bfloat16"),
    ("cuda", "float32"),
    ("cpu", "bfloat16"),
    ("cpu", "float32"),
)
"""Of trainings, by any machine."""
