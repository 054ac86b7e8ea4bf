"""How a trained network is evaluated: in one piece or by windows, flipped, at several scales."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Side = Annotated[int, Field(ge=32, le=32768)]


class Evaluation(BaseModel):
    """Whole images at their own size, unless it says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mode: Literal["whole", "sliding"] = "whole"
    window: tuple[Side, Side] | None = None
    """Width and height of the windows, for `sliding`; an image that is smaller is taken whole."""
    overlap: float = Field(default=1 / 3, ge=0, lt=1)
    """Least share of a window that the next one covers again; logits are averaged there."""
    flip: bool = False
    """Also on the mirrored image; probabilities are averaged."""
    scales: tuple[Annotated[float, Field(gt=0, le=8)], ...] = Field(default=(1.0,), min_length=1)
    """Also on the resized image; probabilities are averaged."""
    boundary: bool = False
    """Boundary IoU beside mIoU."""

    @model_validator(mode="after")
    def _window_where_sliding(self) -> Self:
        if (self.mode == "sliding") != (self.window is not None):
            raise ValueError("mode sliding needs a window of width and height, and mode whole takes none")
        return self

    @property
    def passes(self) -> float:
        """Work over that of one pass over the whole image, about; windows are taken for whole images."""
        return sum(scale**2 for scale in self.scales) * (2 if self.flip else 1)

    @property
    def is_plain(self) -> bool:
        """Whether a prediction is one pass over the whole image."""
        return self.mode == "whole" and not self.flip and self.scales == (1.0,)

    def describe(self) -> str:
        """Words for tables and pages."""
        where = (
            "whole images"
            if self.window is None
            else (f"windows of {self.window[0]}x{self.window[1]} that overlap by {100 * self.overlap:.0f} %")
        )
        scales = " and ".join(f"{scale:g}" for scale in self.scales)
        size = "their own size" if self.scales == (1.0,) else f"{scales} times their size"
        flip = ", also mirrored" if self.flip else ""
        boundary = ", with boundary IoU" if self.boundary else ""
        return f"{where} at {size}{flip}{boundary}"
