"""The space file: a search space and the protocol that its variants are measured by (YAML)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from bench.accuracy.recipes import load_recipe
from bench.cost.budget import Budget
from bench.errors import UserError, did_you_mean
from bench.paths import is_file
from bench.quantities import read_number
from bench.settings.evaluation import Evaluation
from bench.settings.latency import LatencySetting
from bench.settings.runtimes import RUNTIMES_OF, Device, Layout, Precision, RuntimeName, Scope
from bench.settings.schedule import Schedule
from bench.yaml_file import Place, YamlFile, read_yaml
from bench.yaml_problems import problems_in_words
from variants.errors import VariantError
from variants.names import parse_name
from variants.product import Product, read_product
from variants.scout import scout
from variants.space import Expansion, expand
from variants.spec import VariantSpec

SHIPPED = Path(__file__).resolve().parent.parent.parent / "variants" / "spaces"
Side = Annotated[int, Field(ge=32, le=32768)]
Size = tuple[Side, Side]
"""Width and height in pixels."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _read_count(value: Any) -> Any:
    """Of a number with a suffix, such as 5M; what is neither text nor number is left to be refused."""
    return read_number(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else value


class CostProtocol(_Section):
    """Where parameters and MACs are counted, and the most that a variant may have of each."""

    size: Size = (2048, 1024)
    max_gmacs: float | None = Field(default=None, gt=0)
    max_params: Annotated[int, BeforeValidator(_read_count)] | None = None
    """Such as 5M, 750k or 5000000."""

    @property
    def budget(self) -> Budget:
        """Variants beyond it are not measured."""
        return Budget(self.max_gmacs, self.max_params)


class LatencyProtocol(_Section):
    """With what networks are timed, and how often. Each runtime is timed on each device that has it."""

    size: Size = (1024, 512)
    devices: tuple[Device, ...] = ("cpu", "cuda")
    """A device that the machine lacks is left out, and said so."""
    runtimes: tuple[RuntimeName, ...] = Field(default=("eager",), min_length=1)
    scope: Scope = "resize"
    """What a pass covers: network, resize (logits at full size), argmax, transfer (and the copies)."""
    precision: Precision = "float32"
    layout: Layout = "channels_last"
    batch: int = Field(default=1, ge=1, le=1024)
    threads: int = Field(default=1, ge=1, le=1024)
    samples: int = Field(default=66, ge=3, le=1_000_000)
    """Passes of a variant, over all its processes together; from 64 on their 90th percentile is shown."""
    restarts: int = Field(default=3, ge=1, le=1000)
    """Processes a variant, taken in turns: much of the noise sits between processes, not within one."""

    @field_validator("runtimes")
    @classmethod
    def _runtimes_run_somewhere(cls, value: tuple[RuntimeName, ...], info: ValidationInfo) -> tuple[RuntimeName, ...]:
        devices: tuple[Device, ...] = info.data.get("devices", ())
        there = [runtime for device in devices for runtime in RUNTIMES_OF[device]]
        for runtime in value:
            if devices and runtime not in there:
                raise ValueError(f"{runtime!r} does not run on {', '.join(devices)}; there: {', '.join(there)}")
        return tuple(dict.fromkeys(value))

    @property
    def samples_a_process(self) -> int:
        """So many that all processes together have no fewer than were asked for."""
        return -(-self.samples // self.restarts)

    def settings(self, classes: int, devices: tuple[Device, ...]) -> list[LatencySetting]:
        """One for each runtime that one of `devices` has."""
        return [
            LatencySetting(
                size=self.size,
                classes=classes,
                device=device,
                runtime=runtime,
                threads=self.threads,
                precision=self.precision,
                layout=self.layout,
                batch=self.batch,
                scope=self.scope,
            )
            for device in devices
            for runtime in self.runtimes
            if runtime in RUNTIMES_OF[device]
        ]


class DataProtocol(_Section):
    """Which data set, with which options of its own."""

    name: str
    options: dict[str, Any] = {}


class AccuracyProtocol(_Section):
    """On what and how variants are trained."""

    data: DataProtocol
    recipe: str | None = None
    """A recipe by name or file; what stands in `schedule` comes before what it says."""
    schedule: Schedule = Schedule()
    evaluation: Evaluation = Evaluation()
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
    validations: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.125, 0.25, 0.5)
    """Shares of the epochs after which the mIoU on the validation split is looked at: no weight and no key depends
    on them."""

    @property
    def validate_after(self) -> tuple[int, ...]:
        """The epochs of `validations`."""
        return self.schedule.epochs_at(self.validations)

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
    axes: dict[str, Any] | tuple[dict[str, Any], ...] = {}
    """One product of axes, or a list of products that are measured together."""
    variants: tuple[str, ...] = ()
    """Variants and presets by name, beside those of the axes."""
    cost: CostProtocol = CostProtocol()
    latency: LatencyProtocol | None = LatencyProtocol()
    """`null` leaves the clock out."""
    accuracy: AccuracyProtocol
    _file: YamlFile | None = PrivateAttr(None)

    @cached_property
    def expansion(self) -> Expansion:
        """The specs of the axes and of the list, and what was dropped why.

        Raises:
            VariantError: its `place` leads to what is wrong, from the top of the file.
        """
        products = [_at(place, expand, axes) for place, axes in self._products()]
        listed = self.listed
        specs = tuple(dict.fromkeys([*(spec for part in products for spec in part.specs), *listed]))
        dropped = sum((Counter(part.dropped) for part in products), Counter[str]())
        found = sum(len(part.specs) for part in products) + len(listed)
        if found > len(specs):
            dropped["listed, but there already"] += found - len(specs)
        combinations = sum(part.combinations for part in products) + len(listed)
        return Expansion(specs, combinations, dict(dropped))

    @cached_property
    def listed(self) -> tuple[VariantSpec, ...]:
        """The specs that are named one by one.

        Raises:
            VariantError: as `expansion`.
        """
        return tuple(_at(("variants", i), parse_name, name) for i, name in enumerate(self.variants))

    @cached_property
    def products(self) -> tuple[Product, ...]:
        """The products of axes, not multiplied.

        Raises:
            VariantError: as `expansion`.
        """
        return tuple(_at(place, read_product, axes) for place, axes in self._products())

    @cached_property
    def scouts(self) -> tuple[VariantSpec, ...]:
        """A spec for each value of each axis, and those that are listed: what is checked of a space that is searched.

        Raises:
            VariantError: as `expansion`.
        """
        found = [_at(place, _scout, axes) for place, axes in self._products()]
        return tuple(dict.fromkeys([*(spec for part in found for spec in part), *self.listed]))

    def _products(self) -> list[tuple[Place, dict[str, Any]]]:
        if isinstance(self.axes, dict):
            return [(("axes",), self.axes)] if self.axes else []
        return [(("axes", i), axes) for i, axes in enumerate(self.axes)]

    @property
    def specs(self) -> tuple[VariantSpec, ...]:
        return self.expansion.specs

    def at(self, place: Place) -> str:
        """`path:line` of a place; without a file, the space's name."""
        return self._file.at(place) if self._file else f"space {self.name}"

    def place_of(self, spec: VariantSpec, axis: str) -> Place:
        """Where `spec` got its value of an axis, or where it is listed."""
        for place, axes in self._products():
            values = {name: _values(given) for name, given in axes.items()}
            if axis in values and all(spec.axes[name] in some for name, some in values.items() if name in spec.axes):
                below = (axis, "values") if isinstance(axes[axis], dict) else (axis,)
                return (*place, *below, values[axis].index(spec.axes[axis]))
        listed = [i for i, name in enumerate(self.variants) if parse_name(name) == spec]
        return ("variants", *listed[:1])


def _values(given: Any) -> list[Any]:
    """Of an axis of the file, in the form of a spec."""
    values = given["values"] if isinstance(given, dict) else given
    return [tuple(value) if isinstance(value, list) else value for value in values]


def _scout(axes: Mapping[str, Any]) -> list[VariantSpec]:
    return scout(read_product(axes))


Source = TypeVar("Source")
Result = TypeVar("Result")


def _at(place: Place, read: Callable[[Source], Result], source: Source) -> Result:
    """Read a part of the file; an error's place leads there from the top of the file."""
    try:
        return read(source)
    except VariantError as error:
        own = error.place if place[0] == "axes" else ()
        raise VariantError(str(error), *place, *own) from None


def shipped_spaces() -> dict[str, Path]:
    """The spaces that come with the project, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.yaml"))}


def load_space(name_or_path: str, is_searched: bool = False) -> SpaceFile:
    """Read a shipped space by name, or a file by path.

    Args:
        is_searched: the space need not be small enough to list its variants.

    Raises:
        UserError: no such space, not YAML, or a field that does not fit; naming file, line and field.
    """
    file = read_yaml(_find(name_or_path))
    if not isinstance(file.content, dict):
        raise UserError(f"{file.path} is not a mapping of {', '.join(SpaceFile.model_fields)}")
    try:
        space = SpaceFile.model_validate({"name": file.path.stem, **_with_recipe(file)})
        space._file = file
        if not (space.scouts if is_searched else space.specs):
            raise UserError(f"{file.path}: neither axes nor variants name a network")
    except ValidationError as error:
        raise UserError(problems_in_words(file, SpaceFile, error, "`bench schema`")) from None
    except VariantError as error:
        raise UserError(f"{file.at(_in_file(file, error.place))}: {error}") from None
    return space


def _with_recipe(file: YamlFile) -> dict[str, Any]:
    """The content, with the keys of the recipe it names in its schedule."""
    content: dict[str, Any] = file.content
    accuracy = content.get("accuracy")
    name = accuracy.get("recipe") if isinstance(accuracy, dict) else None
    if not isinstance(accuracy, dict) or not isinstance(name, str):
        return content
    own = accuracy.get("schedule", {})
    if not isinstance(own, dict):
        return content
    try:
        recipe = load_recipe(name, file.path.parent)
    except UserError as error:
        raise UserError(f"{file.at(('accuracy', 'recipe'))}: {error}") from None
    if own.get("policy", "poly") != "poly":
        recipe.pop("power", None)  # of the policy that the space has in the place of the recipe's
    return content | {"accuracy": accuracy | {"schedule": recipe | own}}


def _in_file(file: YamlFile, place: Place) -> Place:
    """The place of an axis's value: below `values` where the axis has a condition."""
    *axis, index = place or ("",)
    below = (*axis, "values", index)
    return below if below in file.lines else place


def _find(name_or_path: str) -> Path:
    shipped = shipped_spaces()
    if name_or_path in shipped:
        return shipped[name_or_path]
    path = Path(name_or_path)
    if is_file(path):
        return path
    hint = did_you_mean(name_or_path, shipped)
    raise UserError(
        f"space {name_or_path!r} is neither a file nor one of {', '.join(shipped)}.{hint} "
        "`bench list spaces` shows them."
    )
