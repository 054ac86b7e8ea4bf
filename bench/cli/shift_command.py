"""`bench shift`: how far are new images from those that a network was trained on?"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.common.data_options import read_data_option
from bench.cli.common.options import json_option, reports_option
from bench.cli.common.output import say
from bench.cli.common.tables import make_console, make_table

if TYPE_CHECKING:
    from bench.adapt.images import Images
    from bench.shift.result import ShiftReport
    from bench.shift.run import OnProgress

_CLASSES = 19
_folder = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("spec")
@click.option("--data", required=True, metavar="NAME", help="Data set of the new images; `bench list datasets`.")
@click.option(
    "--root", "--data-root", "root", type=_folder, metavar="FOLDER", help="Its folder; images in unlabelled/ count too."
)
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="Option of it, as in a space file.")
@click.option("--source", required=True, metavar="NAME", help="Data set that the network was trained on.")
@click.option("--source-root", type=_folder, metavar="FOLDER", help="Its folder.")
@click.option("--source-option", "source_options", multiple=True, metavar="NAME=VALUE", help="Option of it.")
@click.option(
    "--from",
    "checkpoint",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Weights of the trained network, .safetensors.  [default: ImageNet weights]",
)
@click.option("--weights-dir", type=_folder, metavar="FOLDER", help="Folder with ImageNet weights.")
@click.option("--steps", metavar="STEP,...", help="To try, also joined as in clahe+denoise.  [default: all]")
@click.option(
    "--limit", type=click.IntRange(8, 100_000), default=256, show_default=True, help="Images of each side, at most."
)
@click.option(
    "--classes", type=click.IntRange(1, 256), default=_CLASSES, show_default=True, help="Of the timed network."
)
@json_option
@reports_option
def command(
    spec: str,
    data: str,
    root: Path | None,
    options: tuple[str, ...],
    source: str,
    source_root: Path | None,
    source_options: tuple[str, ...],
    checkpoint: Path | None,
    weights_dir: Path | None,
    steps: str | None,
    limit: int,
    classes: int,
    as_json: bool,
    reports_dir: Path,
) -> None:
    """Measure how far new images are from the training images, in the features of SPEC's backbone.

    Each pre-processing step is tried on the new images: how much of the gap it closes, and what time it takes. Only
    training splits and unlabelled images are read. Writes pictures and a page to reports/shift-NAME/.

    \b
    bench shift tf_efficientnet_lite0+fpn64-head32 --data folder --root MY_IMAGES --source camvid --source-root CAMVID
    bench shift SPEC --data folder --root NIGHT --source folder --source-root DAY --steps gamma,clahe+denoise --json
    """
    from bench.adapt.images import dataset_label, domain_images
    from bench.adapt.steps import STEPS, check_steps
    from bench.shift.pooled_features import open_network
    from bench.shift.render.report import write_shift
    from bench.shift.run import Domain, run_shift
    from variants.names import parse_name

    parsed = parse_name(spec)
    names = [name.strip() for name in steps.split(",")] if steps else list(STEPS)
    check_steps(names)
    new = _few(domain_images(data, root, dict(map(read_data_option, options)), unlabelled=True), limit)
    known = _few(domain_images(source, source_root, dict(map(read_data_option, source_options)), False), limit)
    labels = _labels(dataset_label(data, root), dataset_label(source, source_root))
    net = open_network(parsed, classes, checkpoint, weights_dir)
    weights = checkpoint.name if checkpoint else "ImageNet"
    domains = Domain(labels[1], known), Domain(labels[0], new)
    with _progress() as on_progress:
        report, fitted = run_shift(
            net,
            parsed.name,
            weights,
            *domains,
            names=list(dict.fromkeys(names)),
            classes=classes,
            on_progress=on_progress,
        )
    click.echo(json.dumps(report.to_json(), indent=1)) if as_json else _print(report)
    folder = reports_dir / f"shift-{labels[0]}"
    write_shift(report, fitted, *domains, command=shlex.join(["bench", *sys.argv[1:]]), folder=folder)
    say(f"pictures and page: {folder}")


def _few(images: Images, limit: int) -> Images:
    return images.at_most(limit).kept()


def _labels(new: str, known: str) -> tuple[str, str]:
    """Told apart where both have one name."""
    return (new, known) if new != known else (f"new {new}", f"training {known}")


def _print(report: ShiftReport) -> None:
    from bench.shift.render import text as shift_words

    console = make_console()
    tables = (
        (shift_words.STEP_HEAD, shift_words.step_rows(report)),
        (shift_words.CHANNEL_HEAD, shift_words.channel_rows(report)),
        (shift_words.FARTHEST_HEAD, shift_words.farthest_rows(report)),
    )
    for head, rows in tables:
        table = make_table(*head)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    for line in shift_words.conclusion(report):
        click.echo(line)
    for line in shift_words.method_lines(report):
        say(line)


@contextmanager
def _progress() -> Iterator[OnProgress]:
    """A bar on a terminal, with the time left."""
    from rich.console import Console
    from rich.progress import Progress, TaskID

    console = Console(stderr=True)
    tasks: dict[str, TaskID] = {}
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:

        def on_progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done)

        yield on_progress
