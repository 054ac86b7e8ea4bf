"""The training schedule: everything about a training but the variant, the data and the seed."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

Side = Annotated[int, Field(ge=32, le=32768)]


class Contrastive(BaseModel):
    """Pixel contrast beside the cross-entropy. Defaults: Wang et al., ICCV 2021, and their code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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


class Schedule(BaseModel):
    """AdamW on cross-entropy, one-cycle learning rate, random scale, crop and flip."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(default=20, ge=1, le=10_000)
    batch_size: int = Field(default=8, ge=2, le=1024)
    learning_rate: float = Field(default=2e-3, gt=0, lt=1)
    backbone_lr_ratio: float = Field(default=1.0, gt=0, le=1)
    """Learning rate of the backbone over that of the rest; below 1 for pretrained weights."""
    weight_decay: float = Field(default=0.01, ge=0, lt=1)
    crop: tuple[Side, Side] | None = None
    """Width and height of the training crops in pixels; None trains on whole images."""
    scale: tuple[float, float] = (1.0, 1.0)
    """Range of the random resize before the crop, over the image's own size."""
    flip: bool = True
    pretraining: Literal["none", "imagenet"] = "none"
    contrastive: Contrastive | None = None
    """A second loss; None trains on cross-entropy alone."""

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
        if self.contrastive is None:
            dump.pop("contrastive", None)
        return dump

    def describe(self) -> str:
        """One line for tables and pages."""
        crop = f"crops of {self.crop[0]}x{self.crop[1]}" if self.crop else "whole images"
        scale = "" if self.scale == (1.0, 1.0) else f" at scale {self.scale[0]:g} to {self.scale[1]:g}"
        flips = ", random flips" if self.flip else ""
        start = "ImageNet weights" if self.pretraining == "imagenet" else "random weights"
        rate = f"one-cycle learning rate up to {self.learning_rate:g}"
        if self.backbone_lr_ratio != 1:
            rate += f" (backbone {self.learning_rate * self.backbone_lr_ratio:g})"
        loss = "cross-entropy" + (f" + {self.contrastive.describe()}" if self.contrastive else "")
        epochs = "1 epoch" if self.epochs == 1 else f"{self.epochs} epochs"
        return (
            f"{epochs} from {start}, batch {self.batch_size}, {crop}{scale}{flips}; AdamW with weight "
            f"decay {self.weight_decay:g}, {rate}, {loss}"
        )
