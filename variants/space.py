"""Search-space axes -> specs. Axes multiply; what makes no sense is dropped with its reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import Any

from variants.errors import VariantError
from variants.spec import MODULE_AXES, VariantSpec, applicable_module_axes, make_spec
from variants.suggest import did_you_mean


@dataclass(frozen=True)
class Expansion:
    """What a space expands to: the specs, and how many combinations each reason dropped."""

    specs: tuple[VariantSpec, ...]
    combinations: int
    dropped: dict[str, int]


def expand(axes: dict[str, list[Any]]) -> Expansion:
    """Multiply the axes into specs, in the order of the file.

    An axis that does not apply to a combination is left out of it (heads without a transformer);
    combinations that become equal that way are kept once.

    Raises:
        VariantError: an axis is unknown or empty, a value fits in no combination, or no combination
            makes sense.
    """
    _check_axes(axes)
    specs: dict[str, VariantSpec] = {}
    dropped: Counter[str] = Counter()
    fitting: list[dict[str, Any]] = []
    misfits: list[tuple[dict[str, Any], str]] = []
    combinations = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    for combination in combinations:
        kept, irrelevant = _without_irrelevant(combination)
        try:
            spec = make_spec(**kept)
        except VariantError as error:
            dropped[str(error)] += 1
            misfits.append((kept, str(error)))
            continue
        fitting.append(kept)
        if spec.content_hash in specs:
            dropped[_duplicate_reason(irrelevant, spec)] += 1
        specs.setdefault(spec.content_hash, spec)
    if not specs:
        reasons = "; ".join(dropped)
        raise VariantError(f"none of {len(combinations)} combinations makes a network: {reasons}")
    _refuse_useless_values(fitting, misfits)
    return Expansion(tuple(specs.values()), len(combinations), dict(dropped))


def _refuse_useless_values(fitting: list[dict[str, Any]], misfits: list[tuple[dict[str, Any], str]]) -> None:
    """A value that fits in no combination is a slip, not a corner of the space."""
    used = {(axis, repr(value)) for combination in fitting for axis, value in combination.items()}
    for combination, reason in misfits:
        for axis, value in combination.items():
            if (axis, repr(value)) not in used:
                raise VariantError(f"{axis} {value!r} fits in no combination: {reason}")


def _check_axes(axes: dict[str, list[Any]]) -> None:
    for axis, values in axes.items():
        if axis not in VariantSpec.model_fields:
            known = ", ".join(VariantSpec.model_fields)
            hint = did_you_mean(axis, VariantSpec.model_fields)
            raise VariantError(f"axis {axis!r} is not one of {known}.{hint}")
        if not values:
            raise VariantError(f"axis {axis!r} has no value: give a list with at least one")
        wrong = [v for v in values if isinstance(v, list) != (axis == "fused_stages") or isinstance(v, dict)]
        if wrong:
            wanted = "lists of stages, such as [[], [3, 4]]" if axis == "fused_stages" else "plain values"
            raise VariantError(f"axis {axis!r} holds {wrong[0]!r}; its values are {wanted}")
    if "backbone" not in axes:
        raise VariantError("axis 'backbone' is missing: `bench list backbones` names them")


def _without_irrelevant(combination: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Leave out the axes of the module that have no meaning for this combination."""
    stages = tuple(combination.get("fused_stages", VariantSpec.model_fields["fused_stages"].default))
    context = combination.get("context", VariantSpec.model_fields["context"].default)
    applicable = applicable_module_axes(stages, context)
    irrelevant = [axis for axis in combination if axis in MODULE_AXES and axis not in applicable]
    kept = {axis: value for axis, value in combination.items() if axis not in irrelevant}
    if not stages:
        irrelevant = [axis for axis in ("context", *irrelevant) if axis in combination]
        kept["context"] = "none"
    return kept, irrelevant


def _duplicate_reason(irrelevant: list[str], spec: VariantSpec) -> str:
    if not irrelevant:
        return "the same variant twice"
    verb = "does" if len(irrelevant) == 1 else "do"
    module = f"context {spec.context!r}" if spec.fused_stages else "a variant without fused stages"
    return f"the same variant twice: {', '.join(irrelevant)} {verb} not apply to {module}"
