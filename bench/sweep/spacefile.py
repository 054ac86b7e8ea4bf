"""The space file: a search space and the protocol that its variants are measured by (YAML)."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bench.accuracy.schedule import Schedule
from bench.errors import UserError
from variants.errors import VariantError
from variants.names import parse_name
from variants.space import Expansion, expand
from variants.spec import VariantSpec, validation_words
from variants.suggest import did_you_mean

SHIPPED = Path(__file__).resolve().parent.parent.parent / "variants" / "spaces"
Side = Annotated[int, Field(ge=32, le=32768)]
Size = tuple[Side, Side]
"""Width and height in pixels."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CostProtocol(_Section):
    """Where parameters and MACs are counted."""

    size: Size = (2048, 1024)


class LatencyProtocol(_Section):
    """How the clock runs."""

    size: Size = (1024, 512)
    devices: tuple[Literal["cpu", "cuda"], ...] = ("cpu", "cuda")
    """A device that the machine lacks is left out, and said so."""
    threads: int = Field(default=1, ge=1, le=1024)
    warmup: int = Field(default=5, ge=0, le=10_000)
    iterations: int = Field(default=30, ge=3, le=100_000)
    restarts: int = Field(default=3, ge=1, le=1000)
    """Processes a variant, taken in turns: much of the noise sits between processes, not within one.
    They are forked from one server, so they may still differ less than fresh ones would."""


class DataProtocol(_Section):
    """Which data set, with which options of its own."""

    name: str
    options: dict[str, Any] = {}


class AccuracyProtocol(_Section):
    """On what and how variants are trained."""

    data: DataProtocol
    schedule: Schedule = Schedule()
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)

    @field_validator("seeds")
    @classmethod
    def _seeds_differ(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(value)) < len(value):
            raise ValueError(f"seeds {list(value)} hold one twice")
        return value


class SpaceFile(_Section):
    """What to measure and how. `name` is the folder below results/ and reports/."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    about: str = ""
    axes: dict[str, list[Any]] = {}
    variants: tuple[str, ...] = ()
    """Variants by name, beside those of the axes."""
    cost: CostProtocol = CostProtocol()
    latency: LatencyProtocol | None = LatencyProtocol()
    """`null` leaves the clock out."""
    accuracy: AccuracyProtocol

    @cached_property
    def expansion(self) -> Expansion:
        """The specs of the axes and of the list, and what was dropped why."""
        product = expand(self.axes) if self.axes else Expansion((), 0, {})
        listed = [parse_name(name) for name in self.variants]
        specs = tuple(dict.fromkeys([*product.specs, *listed]))
        twice = len(product.specs) + len(listed) - len(specs)
        dropped = product.dropped | ({"listed, but there already": twice} if twice else {})
        return Expansion(specs, product.combinations + len(listed), dropped)

    @property
    def specs(self) -> tuple[VariantSpec, ...]:
        return self.expansion.specs


def shipped_spaces() -> dict[str, Path]:
    """The spaces that come with the project, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.yaml"))}


def load_space(name_or_path: str) -> SpaceFile:
    """Read a shipped space by name, or a file by path.

    Raises:
        UserError: no such space, not YAML, or a field that does not fit; naming file and field.
    """
    path = _find(name_or_path)
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    if not isinstance(data, dict):
        raise UserError(f"{path} is not a mapping of {', '.join(SpaceFile.model_fields)}")
    try:
        space = SpaceFile.model_validate({"name": path.stem, **data})
        if not space.specs:
            raise UserError("neither axes nor variants name a network")
    except ValidationError as error:
        raise UserError(f"{path}: {validation_words(error)}") from None
    except (UserError, VariantError) as error:
        raise UserError(f"{path}: {error}") from None
    return space


def _find(name_or_path: str) -> Path:
    shipped = shipped_spaces()
    if name_or_path in shipped:
        return shipped[name_or_path]
    path = Path(name_or_path)
    if path.is_file():
        return path
    hint = did_you_mean(name_or_path, shipped)
    raise UserError(
        f"space {name_or_path!r} is neither a file nor one of {', '.join(shipped)}.{hint} "
        "`bench list spaces` shows them."
    )
