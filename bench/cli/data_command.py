"""`bench data`: look at a data set before anything is trained on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.common.data_options import read_data_option
from bench.cli.common.options import json_option
from bench.cli.common.output import say
from bench.errors import ExitCode, UserError

if TYPE_CHECKING:
    from rich.table import Table

    from bench.data import Dataset
    from bench.data.inspection import Inspection

_ON_SHEET = 4
"""Images of each split on the sheet."""


@click.group()
def command() -> None:
    """Look at a data set before anything is trained on it."""


@command.command()
@click.argument("name")
@click.option(
    "--root",
    "--data-root",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Folder of the data set, for those that have files.",
)
@click.option(
    "--option", "options", multiple=True, metavar="NAME=VALUE", help="Option of the data set, as in a space file."
)
@click.option(
    "--sheet",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where the contact sheet is drawn.  [default: reports/data/NAME.png]",
)
@click.option("--no-sheet", is_flag=True, help="Draw none.")
@json_option
def check(
    name: str, root: Path | None, options: tuple[str, ...], sheet: Path | None, no_sheet: bool, as_json: bool
) -> None:
    """Read every file of a data set; report counts, sizes, class frequencies and every bad file.

    NAME is a data set of `bench list datasets`. Draws images of each split with their masks. Exit 1 where something
    keeps the data from being used; `bench sweep` refuses it too.

    \b
    bench data check camvid --root CAMVID
    bench data check folder --root MY_IMAGES
    bench data check cityscapes --root CITYSCAPES --option "val_cities=[ulm]"
    bench data check streets --option width=128
    """
    from bench.data import open_dataset

    dataset = open_dataset(name, root, dict(map(read_data_option, options)))
    inspection = _inspect(dataset)
    if as_json:
        click.echo(json.dumps({"dataset": name} | inspection.to_json(), indent=2))
    else:
        _print(dataset, inspection)
    if not no_sheet:
        _draw(dataset, inspection, sheet or Path("reports") / "data" / f"{name}.png")
    if inspection.problems:
        raise SystemExit(ExitCode.CHECK_FAILED)


def _inspect(dataset: Dataset) -> Inspection:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading")
        return dataset.inspect(lambda done, total: bar.update(task, completed=done, total=total))


def _print(dataset: Dataset, inspection: Inspection) -> None:
    from bench.cli.common.tables import make_console

    console = make_console()
    console.print(
        f"{dataset.name}: {len(inspection.classes)} classes, fingerprint {inspection.fingerprint}", markup=False
    )
    if inspection.note:
        console.print(inspection.note, markup=False, soft_wrap=True)
    console.print(_split_table(inspection))
    console.print(_class_table(inspection))
    for split, names in inspection.absent.items():
        if names:
            console.print(f"no pixel in {split}: {', '.join(names)}", markup=False, soft_wrap=True)
    for problem in inspection.problems:
        console.print(f"problem: {problem}", markup=False, soft_wrap=True)
    count = len(inspection.problems)
    console.print(f"{count} problem{'s' if count > 1 else ''}" if count else "fine: nothing keeps it from use")


def _split_table(inspection: Inspection) -> Table:
    from bench.cli.common.tables import make_table

    table = make_table("split", "images", "sizes (px)", "labelled pixels")
    for split, count in inspection.splits.items():
        sizes = [f"{width}x{height}" for width, height in sorted(count.sizes)]
        shown = ", ".join(sizes) if len(sizes) <= 2 else f"{len(sizes)} from {sizes[0]} to {sizes[-1]}"
        whole = sum(count.pixels) + count.void
        labelled = f"{100 * sum(count.pixels) / whole:.1f} %" if whole else "–"
        table.add_row(split, f"{count.images:,}", shown or "–", labelled)
    return table


def _class_table(inspection: Inspection) -> Table:
    """Share of the labelled pixels, and images that hold the class."""
    from rich.markup import escape

    from bench.cli.common.tables import make_table

    splits = [split for split, count in inspection.splits.items() if count.images]
    table = make_table("class", *(f"{split}\n(% of pixels)" for split in splits), *(f"{s}\n(images)" for s in splits))
    for index, name in enumerate(inspection.classes):
        counts = [inspection.splits[split] for split in splits]
        shares = [f"{100 * count.pixels[index] / max(1, sum(count.pixels)):.2f}" for count in counts]
        table.add_row(escape(name), *shares, *(f"{count.images_with[index]:,}" for count in counts))
    return table


def _draw(dataset: Dataset, inspection: Inspection, path: Path) -> None:
    """Draw samples of each split that has some; a data set with problems is drawn where it can be."""
    from bench.data.base import spread_samples
    from bench.render.contact_sheet import draw_contact_sheet

    samples = spread_samples(dataset, _ON_SHEET)
    if not samples:
        return
    title = f"{dataset.name}: {dataset.describe()}"
    try:
        draw_contact_sheet(title, inspection.classes, shares=inspection.shares, samples=samples, path=path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"cannot write {path}: {reason}. Pass --sheet FILE, or --no-sheet.") from None
    say(f"sheet: {path}")
