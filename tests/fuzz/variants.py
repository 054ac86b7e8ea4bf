"""Strategies of variants: valid values of each axis, and valid specs."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from variants.axes import Axis, Choice, Name, Number, Stages, Stride, Width
from variants.errors import VariantError
from variants.spec import VariantSpec, known_axes, settle


def values_of(axis: Axis) -> st.SearchStrategy[Any]:
    """Valid values of an axis, as a space file has them."""
    values: st.SearchStrategy[Any]
    match axis:
        case Name():
            values = st.sampled_from(["resnet18", "van_b0"]) | st.from_regex(axis.pattern, fullmatch=True)
        case Choice():
            values = st.sampled_from(axis.options())
        case Stride():
            values = st.sampled_from(axis.strides)
        case Stages():
            values = st.sets(st.integers(1, 4)).map(sorted)
        case Width():
            values = st.integers(axis.low, axis.high) | st.floats(0.01, 4).map(lambda factor: f"x{factor!r}")
        case Number(whole=True):
            values = st.integers(int(axis.low), int(axis.high))
        case Number():
            values = st.floats(axis.low, axis.high)
        case _:
            raise TypeError(axis)
    return values


@st.composite
def specs(draw: st.DrawFn) -> VariantSpec:
    """Any valid spec."""
    axes = {name: draw(values_of(axis), label=name) for name, axis in known_axes().items()}
    try:
        return settle(axes, {})
    except VariantError:  # heads that do not divide the width: each is right alone
        return settle(axes | {"transformer_heads": 1}, {})
