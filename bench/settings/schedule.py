"""The training schedule: everything about a training but the variant, the data and the seed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

Side = Annotated[int, Field(ge=32, le=32768)]
Pretraining = Literal["none", "imagenet"]
_DEFAULT_WARMUP = 0.1
_LATER = (
    "contrastive",
    "layer_decay",
    "policy",
    "warmup",
    "power",
    "class_weighting",
    "hard_pixels",
    "ema",
    "colour_jitter",
    "compile",
)
"""Options that came after the first records: at their default they stand in no key."""


class Contrastive(BaseModel):
    """Pixel contrast beside the cross-entropy. Defaults: Wang et al., ICCV 2021, and their code."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    weight: float = Field(default=0.1, gt=0, le=10)
    """Of the term; that of the cross-entropy is 1."""
    temperature: float = Field(default=0.1, ge=0.01, le=10)
    base_temperature: float = Field(default=0.07, ge=0.01, le=10)
    """The term is scaled by temperature over this."""
    max_anchors: int = Field(default=1024, ge=512, le=8192)
    """Pixels of a batch that are compared with each other; the least gives 255 classes two each."""
    max_views: int = Field(default=100, ge=2, le=8192)
    """Pixels of one class in a batch."""
    channels: int = Field(default=256, ge=8, le=4096)
    """Of the projection, which only training has."""
    warmup: float = Field(default=0.2, ge=0, lt=1)
    """Share of the steps without the term, at the start."""

    def describe(self) -> str:
        """Words for the sum of losses."""
        start = f" after {100 * self.warmup:g} % of the steps" if self.warmup else ""
        return f"{self.weight:g} x pixel contrast{start}"


class HardPixels(BaseModel):
    """Online hard example mining: only the pixels that are predicted worst count."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    threshold: float = Field(default=0.7, gt=0, lt=1)
    """Pixels whose class has at least this probability are left out."""
    least_share: float = Field(default=1 / 16, gt=0, le=1)
    """Of a batch's pixels, the worst, that count in any case."""

    def describe(self) -> str:
        """Words for the sum of losses."""
        return f"pixels below {self.threshold:g}, at least {100 * self.least_share:g} %"


ClassWeighting = Literal["none", "median_frequency", "logarithmic"]


class Schedule(BaseModel):
    """AdamW on cross-entropy, one-cycle learning rate, random scale, crop and flip; the rest is off until asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epochs: int = Field(default=20, ge=1, le=10_000)
    batch_size: int = Field(default=8, ge=2, le=1024)
    learning_rate: float = Field(default=2e-3, gt=0, lt=1)
    backbone_lr_ratio: float = Field(default=1.0, gt=0, le=1)
    """Learning rate of the backbone over that of the rest; below 1 for pretrained weights."""
    layer_decay: float = Field(default=1.0, gt=0, le=1)
    """Learning rate of a layer of the backbone over that of the layer behind it."""
    policy: Literal["one_cycle", "poly"] = "one_cycle"
    """How the learning rate falls after the warm-up: as a cosine, or as (1 - t)^power."""
    warmup: float = Field(default=_DEFAULT_WARMUP, ge=0, lt=1)
    """Share of the steps in which the learning rate rises."""
    power: float = Field(default=0.9, gt=0, le=10)
    """Of the policy poly."""
    weight_decay: float = Field(default=0.01, ge=0, lt=1)
    crop: tuple[Side, Side] | None = None
    """Width and height of the training crops in pixels; None trains on whole images."""
    scale: tuple[float, float] = (1.0, 1.0)
    """Range of the random resize before the crop, over the image's own size."""
    flip: bool = True
    colour_jitter: float = Field(default=0.0, ge=0, lt=1)
    """Brightness, contrast and saturation are each multiplied by a random factor between 1 less and 1 more this."""
    pretraining: Pretraining = "none"
    contrastive: Contrastive | None = None
    """A second loss; None trains on cross-entropy alone."""
    class_weighting: ClassWeighting = "none"
    """Of the cross-entropy, from the frequencies of the classes in the training split."""
    hard_pixels: HardPixels | None = None
    """Online hard example mining; None counts every pixel."""
    ema: float | None = Field(default=None, gt=0, lt=1)
    """Decay of the moving average of the weights that is evaluated; None evaluates those of the last step."""
    compile: bool = False
    """Whether torch.compile fuses the network's passes: a minute or more once, for shorter steps on some devices."""

    @field_validator("power")
    @classmethod
    def _power_of_poly(cls, value: float, info: ValidationInfo) -> float:
        """Of a power that was given: the default is not validated."""
        policy = info.data.get("policy", "poly")  # one that is none has been refused
        if policy != "poly":
            raise ValueError(
                f"{value:g} is of policy poly, and this one is {policy}: add `policy: poly`, or leave it out"
            )
        return value

    @model_validator(mode="after")
    def _scale_ascends(self) -> Self:
        low, high = self.scale
        if not 0 < low <= high:
            raise ValueError(f"scale {[low, high]} is not two ascending positive numbers")
        if self.scale != (1.0, 1.0) and self.crop is None:
            raise ValueError("scale needs a crop: images of different sizes make no batch")
        return self

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Records' keys hash the dump: an option that is off must not measure old records again."""
        dump: dict[str, Any] = handler(self)
        unused = [name for name in _LATER if dump.get(name) == type(self).model_fields[name].default]
        return {name: value for name, value in dump.items() if name not in unused}

    def epochs_at(self, shares: Iterable[float]) -> tuple[int, ...]:
        """The epochs before the last that lie at these shares of the training, each once and in order."""
        at = {max(1, round(share * self.epochs)) for share in shares}
        return tuple(sorted(epoch for epoch in at if epoch < self.epochs))

    def describe(self) -> str:
        """One line for tables and pages."""
        start = "ImageNet weights" if self.pretraining == "imagenet" else "random weights"
        epochs = "1 epoch" if self.epochs == 1 else f"{self.epochs} epochs"
        return f"{epochs} from {start}, {self.describe_steps()}"

    def describe_steps(self) -> str:
        """The same without how long it is and where it starts."""
        crop = f"crops of {self.crop[0]}x{self.crop[1]}" if self.crop else "whole images"
        scale = "" if self.scale == (1.0, 1.0) else f" at scale {self.scale[0]:g} to {self.scale[1]:g}"
        flips = ", random flips" if self.flip else ""
        jitter = f", colour jitter of {100 * self.colour_jitter:g} %" if self.colour_jitter else ""
        average = f", moving average of the weights with decay {self.ema:g}" if self.ema else ""
        return (
            f"batch {self.batch_size}, {crop}{scale}{flips}{jitter}; AdamW with weight decay {self.weight_decay:g}, "
            f"{self._rate_words()}, {self._loss_words()}{average}"
            f"{'; passes compiled by torch.compile' if self.compile else ''}"
        )

    def _rate_words(self) -> str:
        policy = "one-cycle" if self.policy == "one_cycle" else f"poly (power {self.power:g})"
        warmup = "" if self.warmup == _DEFAULT_WARMUP else f", warm-up of {100 * self.warmup:g} % of the steps"
        backbone = f"{self.learning_rate * self.backbone_lr_ratio:g}" if self.backbone_lr_ratio != 1 else ""
        decay = f"times {self.layer_decay:g} a layer down" if self.layer_decay != 1 else ""
        slower = " ".join(word for word in (backbone, decay) if word)
        return f"{policy} learning rate up to {self.learning_rate:g}{f' (backbone {slower})' if slower else ''}{warmup}"

    def _loss_words(self) -> str:
        weighting = "" if self.class_weighting == "none" else f" weighted by {self.class_weighting.replace('_', ' ')}"
        hard = f" on {self.hard_pixels.describe()}" if self.hard_pixels else ""
        contrast = f" + {self.contrastive.describe()}" if self.contrastive else ""
        return f"cross-entropy{weighting}{hard}{contrast}"
