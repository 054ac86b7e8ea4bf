"""`bench explain`: one variant part by part, with its block diagram."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common.options import SizeType, json_option
from bench.cli.common.output import say
from bench.cli.common.tables import make_console
from bench.paths import is_dir

if TYPE_CHECKING:
    from rich.table import Table

    from bench.cost.explanation import Explanation, Part


class _FigureType(click.ParamType[Path]):
    """A file that ends in .svg or .png, in a folder that is there."""

    name = "FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(value)
        if path.suffix not in (".svg", ".png"):
            self.fail(f"{str(path)!r} does not end in .svg or .png, as in --svg network.svg", param, ctx)
        if not is_dir(path.parent):
            folder = str(path.parent)
            self.fail(f"no folder {folder!r} for {str(path)!r}. `mkdir -p {folder}` makes it", param, ctx)
        return path


@click.command()
@click.argument("spec")
@click.option("--size", type=SizeType(), default="2048x1024", show_default=True, help="Of the input, in pixels.")
@click.option(
    "--classes", type=click.IntRange(1, 10_000), default=19, show_default=True, help="Channels of the logits."
)
@click.option("--svg", "figure", type=_FigureType(), help="Draw the block diagram into FILE, .svg or .png.")
@json_option
def command(spec: str, size: tuple[int, int], classes: int, figure: Path | None, as_json: bool) -> None:
    """Take SPEC apart: what each part does, the maps it gives, its parameters and multiply-adds.

    Nothing real is built, so it takes a second, and the parts add up to what `bench cost` counts.

    \b
    bench explain mobilenetv2_100+frm1234-dnl-w128+fpn64-head32
    bench explain frm-van-b0 --size 1024x512 --svg frm-van-b0.svg
    bench explain ddrnet23_slim --json
    """
    from variants.names import parse_name
    from variants.presets import PRESETS

    parsed = parse_name(spec)
    from bench.cost.breakdown import explain

    explanation = explain(parsed, classes, *size)
    note = PRESETS[spec].note if spec in PRESETS else ""
    if as_json:
        click.echo(json.dumps(asdict(explanation) | ({"preset": spec, "note": note} if note else {}), indent=2))
    else:
        _print(explanation, f"{spec}: {note}" if note else "")
    if figure is not None:
        from bench.render.diagram.drawing import save_diagram
        from bench.render.diagram.info import diagram_info

        save_diagram(diagram_info(explanation), figure)
        say(f"diagram: {figure}")


def _print(explanation: Explanation, preset: str) -> None:
    console = make_console()
    for line in [*_header(explanation), *([f"preset      {preset}"] if preset else [])]:
        console.print(line, markup=False, soft_wrap=True)
    console.print(_table(explanation))


def _header(explanation: Explanation) -> list[str]:
    from bench.metrics import LOWER_BOUND, METRICS, in_both_conventions

    width, height = explanation.size
    lines = [
        f"variant     {explanation.variant}  ({explanation.content_hash})",
        f"network     {explanation.about}",
        f"input       {width}x{height}, {explanation.classes} classes",
        f"parameters  {METRICS['parameters'].show(explanation.parameters)} M",
        f"cost        {LOWER_BOUND if explanation.unknown_operators else ''}{in_both_conventions(explanation.macs)}",
    ]
    if explanation.unknown_operators:
        lines.append(f"no formula  {', '.join(explanation.unknown_operators)}")
    return lines


def _table(explanation: Explanation) -> Table:
    """One row a part; a row without numbers belongs to the part above it."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("part", no_wrap=True)
    table.add_column("what it does", overflow="fold")
    table.add_column("output CxHxW", no_wrap=True)
    table.add_column("at", no_wrap=True)
    for heading in ("param.\n(M)", "MACs\n(G)", "share\n(%)"):
        table.add_column(heading, justify="right", no_wrap=True)
    for part in explanation.parts:
        name = part.name if part.macs is not None else f"  {part.name}"
        shapes = "\n".join(f"{m.channels}x{m.height}x{m.width}" for m in part.maps)
        strides = "\n".join(m.stride for m in part.maps)
        table.add_row(name, part.does, shapes, strides, *_costs(part, explanation.macs))
    return table


def _costs(part: Part, whole: int) -> tuple[str, str, str]:
    """Blank where the numbers stand in another row, a dash for none."""
    from bench.metrics import LOWER_BOUND, METRICS

    parameters, macs = part.parameters, part.macs
    if parameters is None or macs is None:
        return "", "", ""
    mark = LOWER_BOUND if part.unknown else ""
    return (
        METRICS["parameters"].show(parameters) if parameters else "–",
        f"{mark}{METRICS['macs'].show(macs)}" if macs or mark else "–",
        "–" if not macs else f"{100 * macs / whole:.1f}" if macs >= whole / 1000 else "<0.1",
    )
