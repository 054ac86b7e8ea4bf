"""Recipe files: a training schedule by name, for spaces to share and to change in part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError, ValidationInfo, field_validator

from bench.errors import UserError, did_you_mean
from bench.paths import is_file
from bench.settings.schedule import Schedule
from bench.yaml_file import YamlFile, read_yaml
from bench.yaml_problems import problems_in_words

SHIPPED = Path(__file__).resolve().parent.parent.parent / "variants" / "recipes"


class RecipeFile(Schedule):
    """The keys of a schedule, and a line about it."""

    about: str = ""

    @field_validator("power")
    @classmethod
    def _power_of_poly(cls, value: float, _: ValidationInfo) -> float:
        """The policy that it is of may be the space's."""
        return value


def shipped_recipes() -> dict[str, Path]:
    """The recipes that come with the project, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.yaml"))}


def load_recipe(name_or_path: str, beside: Path) -> dict[str, Any]:
    """The keys that a recipe sets, by the name of a shipped one or by a path.

    Args:
        beside: the folder that a relative path starts from.

    Raises:
        UserError: no such recipe, not YAML, or a key that does not fit; naming file, line and key.
    """
    file = read_yaml(_find(name_or_path, beside))
    _check(file)
    return {key: value for key, value in file.content.items() if key != "about"}


def about_recipe(path: Path) -> str:
    """Its one line."""
    return str(read_yaml(path).content.get("about", ""))


def _check(file: YamlFile) -> None:
    if not isinstance(file.content, dict):
        raise UserError(f"{file.path} is not a mapping of {', '.join(RecipeFile.model_fields)}")
    try:
        RecipeFile.model_validate(file.content)
    except ValidationError as error:
        raise UserError(problems_in_words(file, RecipeFile, error, "docs/spaces.md")) from None


def _find(name_or_path: str, beside: Path) -> Path:
    shipped = shipped_recipes()
    if name_or_path in shipped:
        return shipped[name_or_path]
    path = beside / name_or_path
    if is_file(path):
        return path
    hint = did_you_mean(name_or_path, shipped)
    raise UserError(
        f"recipe {name_or_path!r} is neither a file beside the space nor one of {', '.join(shipped)}.{hint} "
        "`bench list recipes` shows them."
    )
