"""A product of axes, read and checked; each of its combinations makes a spec, or is dropped with its reason."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from variants.axes import Axis, Value
from variants.context import CONTEXTS
from variants.errors import VariantError
from variants.spec import CORE_AXES, VariantSpec, refuse_unknown_axes, settle

Combination = dict[str, Any]
"""A value of each axis."""


@dataclass(frozen=True)
class AxisValues:
    """The values of one axis in a space; `when`: only in combinations with one of these values of other axes."""

    values: list[Any]
    when: dict[str, list[Value]]


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a combination makes.

    combination: without the axes in `left_out`, whose conditions do not hold. obstacles: by axis that does not apply,
    what it does not apply to. Either a spec, or the error why there is none.
    """

    combination: Combination
    left_out: list[str]
    obstacles: dict[str, str]
    spec: VariantSpec | None = None
    error: VariantError | None = None


@dataclass(frozen=True)
class Product:
    """Axes that multiply, not multiplied: also of spaces that are too large to list."""

    axes: dict[str, AxisValues]

    @property
    def size(self) -> int:
        """How many combinations there are."""
        return math.prod(len(axis.values) for axis in self.axes.values())

    def combinations(self) -> Iterator[Combination]:
        """All of them, in the order of the file."""
        for values in product(*(axis.values for axis in self.axes.values())):
            yield dict(zip(self.axes, values, strict=True))

    def make(self, combination: Combination) -> Made:
        """The spec of a combination, or why there is none."""
        kept, left_out = _where_conditions_hold(combination, self.axes)
        obstacles: dict[str, str] = {}
        try:
            spec = settle(kept, obstacles)
            _refuse_undivided_width(spec)
        except VariantError as error:
            return Made(combination=kept, left_out=left_out, obstacles=obstacles, error=error)
        return Made(combination=kept, left_out=left_out, obstacles=obstacles, spec=spec)


def read_product(axes: Mapping[str, Any]) -> Product:
    """Read the axes of a space file: lists of values, or `{values: [...], when: {AXIS: VALUES}}`.

    Raises:
        VariantError: an axis is unknown or empty, or takes a value of its list nowhere.
    """
    return Product(_read_axes(axes))


def _refuse_undivided_width(spec: VariantSpec) -> None:
    """A concatenation without convolution is as wide as its stages, which heads must divide.

    Raises:
        VariantError: they do not. An unknown backbone is left to `variants.check`.
    """
    if spec.module_width is not None or "transformer_heads" not in spec.context_options:
        return
    from variants.backbones import backbone_channels
    from variants.frm import module_width

    try:
        channels = backbone_channels(str(spec.backbone))
    except VariantError:
        return
    try:
        module_width(spec, channels)
    except VariantError as error:
        raise VariantError(str(error).removeprefix(f"{spec.name}: "), "transformer_heads") from None


def _where_conditions_hold(combination: Combination, axes: dict[str, AxisValues]) -> tuple[Combination, list[str]]:
    """Leave out the axes whose conditions the variant does not meet, one after the other; and say which."""
    kept, left_out = dict(combination), list[str]()
    conditional = [name for name in combination if axes[name].when]
    while conditional:
        values = _values(kept)
        failing = next((name for name in conditional if not _holds(axes[name].when, values)), None)
        if failing is None:
            break
        conditional.remove(failing)
        left_out.append(failing)
        del kept[failing]
    return kept, left_out


def _values(combination: Combination) -> Mapping[str, Any]:
    """The axes that apply, with defaults; of what makes no network, its own values."""
    try:
        return settle(combination, {}).axes
    except VariantError:
        defaults = {axis.name: axis.default for axis in CORE_AXES if axis.default is not None}
        own = {name: tuple(value) if isinstance(value, list) else value for name, value in combination.items()}
        return defaults | own


def _holds(condition: dict[str, list[Value]], values: Mapping[str, Any]) -> bool:
    """An axis that does not apply meets no condition."""
    return all(axis in values and values[axis] in wanted for axis, wanted in condition.items())


def _read_axes(axes: Mapping[str, Any]) -> dict[str, AxisValues]:
    refuse_unknown_axes(axes)
    read = {name: _read_axis(name, raw) for name, raw in axes.items()}
    for name, axis in read.items():
        for index, value in enumerate(axis.values):
            if isinstance(value, list) != (name == "fused_stages") or isinstance(value, dict):
                wanted = "lists of stages, such as [[], [3, 4]]" if name == "fused_stages" else "plain values"
                raise VariantError(f"axis {name!r} holds {value!r}; its values are {wanted}", name, index)
            _check_alone(name, value, name, index)
    return read


def _declarations(name: str) -> list[Axis]:
    """The axis of every spec of that name, or those of the context blocks that declare one."""
    core = [axis for axis in CORE_AXES if axis.name == name]
    return core or [axis for context in CONTEXTS for axis in CONTEXTS[context].axes if axis.name == name]


def _check_alone(name: str, value: Any, *place: str | int) -> Value:
    """A value's one form, where some declaration of its axis takes it.

    Raises:
        VariantError: none does.
    """
    faults = []
    for axis in _declarations(name):
        try:
            return axis.check(value)
        except ValueError as error:
            faults.append(str(error))
    raise VariantError(faults[0], *place)


def _read_axis(name: str, raw: Any) -> AxisValues:
    when: dict[str, Any] = {}
    if isinstance(raw, dict):
        fits = "values" in raw and set(raw) <= {"values", "when"} and isinstance(raw.get("when", {}), dict)
        if not fits:
            raise VariantError(f"axis {name!r} is a list of values, or {{values: [...], when: {{AXIS: [...]}}}}", name)
        raw, when = raw["values"], raw.get("when", {})
    if not isinstance(raw, list):
        raise VariantError(f"axis {name!r} has {raw!r}; give a list, such as [{raw}]", name)
    if not raw:
        raise VariantError(f"axis {name!r} has no value: give a list with at least one", name)
    return AxisValues(raw, {axis: _read_condition(name, axis, wanted) for axis, wanted in when.items()})


def _read_condition(name: str, axis: str, wanted: Any) -> list[Value]:
    """The values of a condition; a single one may stand without a list, stages as one flat list."""
    place = (name, "when", axis)
    if axis == name:
        raise VariantError(f"axis {name!r} has a condition on itself", *place)
    try:
        refuse_unknown_axes([axis])
    except VariantError as error:
        raise VariantError(str(error), *place) from None
    values = wanted if isinstance(wanted, list) else [wanted]
    if axis == "fused_stages" and not all(isinstance(value, list) for value in values):
        values = [values]
    return [_check_alone(axis, value, *place) for value in values]
