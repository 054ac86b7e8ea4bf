"""What a cost command is about: one variant, or all of a space."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.cost.budget import NO_LIMIT, Budget
from bench.data import DATASETS
from bench.errors import UserError
from bench.paths import is_file
from bench.sweep.spacefile import load_space, shipped_spaces
from variants.errors import VariantError
from variants.names import parse_name
from variants.spec import VariantSpec

_SIZE = (2048, 1024)
_CLASSES = 19
"""Of Cityscapes, for which most costs are published."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """Specs with the input size (width, height) and the number of classes to count them at.

    space: its name; None for a single variant. budget: the space's own.
    """

    specs: tuple[VariantSpec, ...]
    size: tuple[int, int]
    classes: int
    space: str | None
    budget: Budget


def read_target(text: str, size: tuple[int, int] | None = None, classes: int | None = None) -> Target:
    """The variant, preset or space that a text names; a size or number of classes that is given counts.

    Otherwise a space's own apply, and 2048x1024 and 19 for a variant.

    Raises:
        UserError: a space that cannot be read, or neither a variant nor a space.
    """
    if text in shipped_spaces() or text.endswith((".yaml", ".yml")) or is_file(Path(text)):
        space = load_space(text)
        data = DATASETS.get(space.accuracy.data.name)
        known = len(data.classes) if data and data.classes else _CLASSES
        return Target(
            specs=space.specs,
            size=size or space.cost.size,
            classes=classes or known,
            space=space.name,
            budget=space.cost.budget,
        )
    try:
        spec = parse_name(text)
    except VariantError as error:
        raise UserError(f"{error} A space is one of {', '.join(shipped_spaces())}, or a YAML file.") from None
    return Target(specs=(spec,), size=size or _SIZE, classes=classes or _CLASSES, space=None, budget=NO_LIMIT)
