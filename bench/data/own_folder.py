"""One's own images: `images/`, `masks/` and `classes.yaml`, which says what the masks mean and how images are split.

    classes: [road, car]                       # masks hold 0 and 1
    classes: {road: 7, car: 26}                # or these indices
    classes: {road: "#804080", car: [0, 0, 142]}   # or these colours
    void: 255                                  # never counted: an index or a colour, or a list of them
    split: {val: 0.15, test: 0.15, seed: 0, group_by: "^(seq[0-9]+)"}

In place of the seeded split a file `split.csv` with the columns image and split may say where each image belongs.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Annotated, Any, Self, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bench.data.files import FileDataset, Listing, Pair, images_below, require_folders
from bench.data.labels import Coding, Colour, Colours, Indices
from bench.data.splits import SPLITS, Split
from bench.data.splitting import grouped_by, seeded_split
from bench.errors import UserError
from bench.yaml_file import YamlFile, read_yaml
from bench.yaml_problems import problems_in_words

CLASSES_FILE, SPLIT_FILE = "classes.yaml", "split.csv"
_DESCRIBED_BY = "docs/data.md"
_MOST_CLASSES = 254


def _read_value(value: Any) -> int | Colour:
    """An index as it is, a colour of any spelling as a triple."""
    if isinstance(value, str) and re.fullmatch("#[0-9a-fA-F]{6}", value):
        red, green, blue = bytes.fromhex(value[1:])
        return red, green, blue
    is_colour = isinstance(value, list | tuple)
    channels = list(value) if is_colour else [value]
    if len(channels) != (3 if is_colour else 1) or not all(type(c) is int and 0 <= c <= 255 for c in channels):
        raise ValueError(f"{value!r} is neither an index, 0 to 255, nor a colour such as '#804080' or [128, 64, 128]")
    return (channels[0], channels[1], channels[2]) if is_colour else channels[0]


Value = Annotated[int | Colour, BeforeValidator(_read_value)]
"""What stands in a mask: an index, or red, green and blue."""


class SeededSplit(BaseModel):
    """How images are split where no `split.csv` says it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    val: float = Field(default=0.15, gt=0, lt=1)
    test: float = Field(default=0.15, gt=0, lt=1)
    """Shares of the images."""
    seed: int = 0
    group_by: str = ""
    """Pattern whose match in the image's name is its group, such as a sequence: a group is never split."""

    @field_validator("group_by")
    @classmethod
    def _is_pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"{value!r} is no regular expression: {error}") from None
        return value

    @model_validator(mode="after")
    def _leaves_some(self) -> Self:
        if self.val + self.test >= 1:
            raise ValueError(f"val {self.val:g} and test {self.test:g} leave nothing to train on")
        return self


class ClassesFile(BaseModel):
    """`classes.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: dict[str, Value] = Field(min_length=2, max_length=_MOST_CLASSES)
    void: tuple[Value, ...] = ()
    split: SeededSplit = SeededSplit()

    @field_validator("classes", mode="before")
    @classmethod
    def _number_names(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return value
        if not isinstance(value, list):
            raise ValueError("should be a list of names, or a mapping of names to indices or colours")
        odd = [name for name in value if not isinstance(name, str)]
        if odd:
            raise ValueError(f"{odd[0]!r} is no name. In quotes it is one: YAML reads yes, no and null as other things")
        if len(set(value)) < len(value):
            raise ValueError("a class is listed twice")
        return {name: index for index, name in enumerate(value)}

    @field_validator("void", mode="before")
    @classmethod
    def _as_list(cls, value: Any, info: ValidationInfo) -> Any:
        """One value may stand alone; three numbers are one where the classes have colours."""
        classes: dict[str, Any] = info.data.get("classes", {})
        of_colours = any(isinstance(known, tuple) for known in classes.values())
        is_colour = of_colours and isinstance(value, list) and all(isinstance(channel, int) for channel in value)
        return value if isinstance(value, list) and not is_colour else [value]

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        values = [*self.classes.values(), *self.void]
        if len({isinstance(value, tuple) for value in values}) > 1:
            raise ValueError("some values are indices and some are colours; a mask holds one kind")
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} stands for two things")
        return self

    def coding(self) -> Coding:
        """How the masks are read."""
        class_of = {value: index for index, value in enumerate(self.classes.values())}
        if isinstance(next(iter(class_of)), tuple):
            return Colours(cast(dict[Colour, int], class_of), cast(tuple[Colour, ...], self.void))
        return Indices(cast(dict[int, int], class_of), cast(tuple[int, ...], self.void))


def open_folder(root: Path) -> FileDataset:
    """The data set below `root`: `classes.yaml` is read, images are not yet.

    Raises:
        UserError: `classes.yaml` is missing, or says what it cannot mean, with its line.
    """
    described = read_classes(root / CLASSES_FILE)
    meaning = described.model_dump_json(include={"classes", "void"})
    return FileDataset(
        "folder", root, classes=tuple(described.classes), find=lambda: _find(root, described), meaning=meaning
    )


def read_classes(path: Path) -> ClassesFile:
    """Read `classes.yaml`.

    Raises:
        UserError: it is missing, or says what it cannot mean, with its line.
    """
    if not path.is_file():
        raise UserError(
            f"--data-root {path.parent} has no {path.name}, which names the classes: `classes: [road, car]` where "
            f"masks hold 0 and 1. {_DESCRIBED_BY} shows what else it can say."
        )
    file = read_yaml(path)
    try:
        return ClassesFile.model_validate(_mapping(file))
    except ValidationError as error:
        raise UserError(problems_in_words(file, ClassesFile, error, _DESCRIBED_BY)) from None


def _mapping(file: YamlFile) -> dict[str, Any]:
    if not isinstance(file.content, dict):
        raise UserError(f"{file.path} is not a mapping of {', '.join(ClassesFile.model_fields)}")
    return file.content


def _find(root: Path, described: ClassesFile) -> Listing:
    require_folders(root, "folder", ["images", "masks"])
    images, problems = images_below(root / "images", root / "images")
    masks, twice = images_below(root / "masks", root / "masks")
    problems += twice
    problems += [f"{path} has no mask of its name in masks/" for name, path in images.items() if name not in masks]
    problems += [f"{path} has no image of its name in images/" for name, path in masks.items() if name not in images]
    names = [name for name in images if name in masks]
    split_of, note = _split(root / SPLIT_FILE, names, described.split, problems)
    coding = described.coding()
    pairs: dict[Split, list[Pair]] = {split: [] for split in SPLITS}
    for name in names:
        if name in split_of:
            pairs[split_of[name]].append(Pair(name=name, image=images[name], mask=masks[name], coding=coding))
    return Listing(pairs, problems, note)


def _split(path: Path, names: list[str], seeded: SeededSplit, problems: list[str]) -> tuple[dict[str, Split], str]:
    """Where each image belongs, and how that was decided."""
    if path.is_file():
        return _read_split(path, names, problems), f"split by {path.name}"
    note = f"split by seed {seeded.seed}" + _groups_found(names, seeded.group_by, problems)
    group_of = grouped_by(seeded.group_by) if seeded.group_by else str
    return seeded_split(names, seeded.val, test=seeded.test, seed=seeded.seed, group_of=group_of), note


def _groups_found(names: list[str], group_by: str, problems: list[str]) -> str:
    """In words; a pattern that fits no name would let frames of one sequence train and test."""
    if not group_by:
        return ""
    found = [name for name in names if re.search(group_by, name)]
    if names and not found:
        problems.append(f"split: group_by {group_by!r} is found in no name below images/, such as {names[0]!r}")
    groups = len(set(map(grouped_by(group_by), found)))
    beside = len(names) - len(found)
    return f", {groups} groups by {group_by}" + (f", {beside} names without it" if beside else "")


def _read_split(path: Path, names: list[str], problems: list[str]) -> dict[str, Split]:
    """Rows that fit; what does not is a problem."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read ({error}). Save it as text in UTF-8.") from None
    try:
        return _rows_that_fit(path, lines, names, problems)
    except csv.Error as error:
        raise UserError(f"{path} cannot be read ({error}). Look for a quote that is not closed.") from None


def _rows_that_fit(path: Path, lines: list[str], names: list[str], problems: list[str]) -> dict[str, Split]:
    known = set(names)
    split_of: dict[str, Split] = {}
    rows = csv.DictReader(lines)
    if not {"image", "split"} <= set(rows.fieldnames or ()):
        found = ", ".join(map(repr, rows.fieldnames or ())) or "no columns"
        raise UserError(f"{path} has {found} in its first line; it needs the columns 'image' and 'split'")
    for row in rows:
        image, split = row["image"] or "", row["split"] or ""
        name = _without_ending(image, known)
        if name not in known:
            problems.append(f"{path}:{rows.line_num}: {image!r} is no image with a mask")
        elif split not in SPLITS:
            problems.append(f"{path}:{rows.line_num}: split {split!r} is not one of {', '.join(SPLITS)}")
        elif split_of.setdefault(name, split) != split:
            problems.append(f"{path}:{rows.line_num}: {image!r} is in {split_of[name]} already")
    problems += [f"{path} does not list {name}" for name in names if name not in split_of]
    return split_of


def _without_ending(name: str, known: set[str]) -> str:
    return name if name in known or not Path(name).name else Path(name).with_suffix("").as_posix()
