"""With what an accuracy is measured."""

from typing import Any, Literal

from bench.settings.base import Setting
from bench.settings.evaluation import Evaluation
from bench.settings.schedule import Schedule

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


class AccuracySetting(Setting):
    """Of one training and its evaluation.

    Attributes:
        dataset: Its name.
        data_fingerprint: Of its files.
        classes: Their names, in the order of the channels.
        weights: Fingerprint of the weights that training starts with; `RANDOM` for a random start.
        method: See `TRAINING_METHOD`.
        evaluation: None for the plain one, of whole images at their own size: keys are older than the others.
    """

    dataset: str
    dataset_options: dict[str, Any]
    data_fingerprint: str
    classes: tuple[str, ...]
    schedule: Schedule
    weights: str
    seed: int
    device: str
    precision: TrainPrecision
    method: int
    evaluation: Evaluation | None = None

    @property
    def evaluated(self) -> Evaluation:
        """How, also where it is the plain one."""
        return self.evaluation or Evaluation()
