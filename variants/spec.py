"""VariantSpec: one point of the search space, frozen and validated."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from variants.context import CONTEXTS
from variants.errors import VariantError
from variants.suggest import did_you_mean

BACKBONE_PATTERN = re.compile(r"[A-Za-z0-9_.]+(@[a-z_]+=[A-Za-z0-9_.]+(,[a-z_]+=[A-Za-z0-9_.]+)*)?")
MODULE_AXES = ("module_width", "transformer_depth", "transformer_heads", "transformer_ffn_ratio")
Width = Annotated[int, Field(ge=8, le=2048)]
"""Channels of a map."""


class VariantSpec(BaseModel):
    """Backbone, feature refinement module (FRM) and decoder of one network.

    An axis that does not apply is None: a variant without fused stages has no module, hence no
    module width; only a transformer has depth, heads and a feed-forward ratio.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    backbone: str
    """timm name, with timm's own arguments behind an @ where it needs some:
    `mobilenetv2_100@pad_type=same`."""
    fused_stages: tuple[int, ...] = (1, 2, 3, 4)
    """Stages (1 at stride 4 to 4 at stride 32) that the module pools to one size and
    concatenates; empty for a plain FPN without the module."""
    context: str = "dnl"
    """Name of the block that refines the fused map; see `variants.context.CONTEXTS`."""
    module_width: Width | None = None
    transformer_depth: int | None = Field(default=None, ge=1, le=24)
    transformer_heads: int | None = Field(default=None, ge=1, le=64)
    transformer_ffn_ratio: int | None = Field(default=None, ge=1, le=16)
    decoder_width: Width = 64
    head_width: Width = 32

    @field_validator("backbone")
    @classmethod
    def _backbone_is_a_name(cls, value: str) -> str:
        if not BACKBONE_PATTERN.fullmatch(value):
            raise ValueError(f"backbone {value!r} is not NAME or NAME@ARGUMENT=VALUE,...")
        return value

    @field_validator("fused_stages")
    @classmethod
    def _stages_are_ascending(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(stage not in (1, 2, 3, 4) for stage in value) or list(value) != sorted(set(value)):
            raise ValueError(f"fused_stages {list(value)} are not ascending stages out of 1 to 4")
        return value

    @field_validator("context")
    @classmethod
    def _context_is_known(cls, value: str) -> str:
        if value not in CONTEXTS:
            hint = did_you_mean(value, CONTEXTS)
            raise ValueError(f"context {value!r} is not one of {', '.join(CONTEXTS)}.{hint}")
        return value

    @model_validator(mode="after")
    def _axes_fit_together(self) -> Self:
        if not self.fused_stages and self.context != "none":
            raise ValueError(f"context {self.context!r} needs at least one fused stage")
        needed = applicable_module_axes(self.fused_stages, self.context)
        for axis in MODULE_AXES:
            value = getattr(self, axis)
            if axis in needed and value is None:
                raise ValueError(f"{axis} is missing: {self._module_words()} needs it")
            if axis not in needed and value is not None:
                raise ValueError(f"{axis} {value} does not apply to {self._module_words()}")
        heads, width = self.transformer_heads, self.module_width
        if heads and width and width % heads:
            raise ValueError(f"module_width {width} is not a multiple of transformer_heads {heads}")
        return self

    def _module_words(self) -> str:
        return f"context {self.context!r}" if self.fused_stages else "a variant without fused stages"

    @property
    def name(self) -> str:
        """The readable one-line name; `variants.names.parse_name` reads it back."""
        from variants.names import format_name

        return format_name(self)

    @property
    def content_hash(self) -> str:
        """12 hex digits of the SHA-256 of the canonical JSON: the identity of the spec."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    @property
    def context_options(self) -> dict[str, Any]:
        """The values of the axes that the context block takes, by axis name."""
        return {axis: getattr(self, axis) for axis in CONTEXTS[self.context].axes}


def applicable_module_axes(fused_stages: tuple[int, ...], context: str) -> tuple[str, ...]:
    """Return the axes of the module that have a meaning for these stages and this context."""
    if not fused_stages:
        return ()
    return ("module_width", *(CONTEXTS[context].axes if context in CONTEXTS else ()))


def make_spec(**axes: Any) -> VariantSpec:
    """Build a spec from axis values.

    Raises:
        VariantError: an axis is unknown, out of range, or does not fit the others.
    """
    unknown = [axis for axis in axes if axis not in VariantSpec.model_fields]
    if unknown:
        hint = did_you_mean(unknown[0], VariantSpec.model_fields)
        known = ", ".join(VariantSpec.model_fields)
        raise VariantError(f"axis {unknown[0]!r} is not one of {known}.{hint}")
    try:
        return VariantSpec(**axes)
    except ValidationError as error:
        raise VariantError(validation_words(error)) from None


def validation_words(error: ValidationError) -> str:
    """Say a pydantic error in one line a problem: where, what, and the value."""
    lines = []
    for problem in error.errors():
        place = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        value = "" if problem["type"] in ("value_error", "missing") else f" (got {problem['input']!r})"
        lines.append(f"{place}: {message}{value}" if place else f"{message}{value}")
    return "; ".join(lines)
