"""With what an adaptation to new images is measured."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.settings.accuracy import TrainPrecision
from bench.settings.base import Setting
from bench.settings.schedule import Schedule

ADAPTATION_METHOD = 1
"""Version of adaptation: raised when it changes a number."""
NO_STEP = "none"
"""Name of the step that changes nothing."""
Arm = Literal["as_is", "full", "frozen", "semi"]
Choice = Literal["balanced", "random"]


class MeanTeacher(BaseModel):
    """What the unlabelled images take part with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float = Field(default=1.0, gt=0, le=100)
    """Of the consistency; that of the labels is 1."""
    threshold: float = Field(default=0.9, ge=0, lt=1)
    """Probability of the teacher's class below which a pixel does not count."""
    ramp: float = Field(default=0.3, ge=0, le=1)
    """Share of the updates in which the weight rises."""
    decay: float = Field(default=0.99, gt=0, lt=1)
    """Of the teacher's moving average."""
    jitter: float = Field(default=0.5, ge=0, lt=1)
    """Of brightness, contrast and saturation in the strong view."""
    cut: float = Field(default=0.5, ge=0, lt=1)
    """Share of the image that is pasted from another."""

    def describe(self) -> str:
        """Words for tables."""
        return (
            f"mean teacher (decay {self.decay:g}), consistency of weight {self.weight:g} on pixels surer than "
            f"{self.threshold:g}, colour jitter {100 * self.jitter:g} % and CutMix of {100 * self.cut:g} %"
        )


class Unlabelled(BaseModel):
    """The images without a label that a training takes part with: how many, and the fingerprint of their folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int
    folder: str


class AdaptationSetting(Setting):
    """Of one network that was adapted, and of the step before it.

    Attributes:
        start: Fingerprint of the weights that it starts with.
        start_classes: Those that these were trained for.
        labels: Images with a label.
        of: Images of the training split.
        choice: How the labelled images are chosen.
        size: Width and height of the images.
        step: Name of the step before or within the network.
        method: See `ADAPTATION_METHOD`.
        schedule: None where nothing is trained.
        teacher: Of the mean teacher alone, as is `unlabelled`.
        folder: Fingerprint of the unlabelled images that the step was fitted on.
        step_versions: Of the packages that a step on the image needs.
        batch_norm_method: Of a step on the batch-norm statistics.
        source: Fingerprint of the images that the step matches.
    """

    dataset: str
    dataset_options: dict[str, Any]
    data_fingerprint: str
    classes: tuple[str, ...]
    start: str
    start_classes: tuple[str, ...]
    arm: Arm
    labels: int
    of: int
    choice: Choice
    seed: int
    size: tuple[int, int]
    device: str
    precision: TrainPrecision
    step: str
    method: int
    schedule: Schedule | None = None
    teacher: MeanTeacher | None = None
    unlabelled: Unlabelled | None = None
    folder: str | None = None
    step_versions: dict[str, str] | None = None
    batch_norm_method: int | None = None
    source: str | None = None
