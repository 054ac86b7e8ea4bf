"""`bench attention`: what the attention blocks need on large maps, against the plain formula."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from bench.cli.common.options import SizeType, json_option
from bench.cli.common.output import say
from bench.cost.attention_setting import BLOCKS, STRIDES, Setting
from bench.errors import ExitCode

if TYPE_CHECKING:
    from bench.cost.attention_memory import Comparison
    from bench.cost.attention_pass import PassResult

_STRIDES = [str(stride) for stride in STRIDES]
_WIDTH = 150
"""Columns in a file or a pipe, where there is no terminal to ask."""


@click.command()
@click.option("--block", "blocks", type=click.Choice(BLOCKS), multiple=True, help="May be repeated; default: all.")
@click.option(
    "--stride",
    "strides",
    type=click.Choice(_STRIDES),
    multiple=True,
    help="May be repeated; default: all.",
)
@click.option("--size", type=SizeType(), default="2048x1024", show_default=True, help="Of the image, in pixels.")
@click.option("--width", type=click.IntRange(8, 2048), default=64, show_default=True, help="Channels of the map.")
@click.option("--threads", type=click.IntRange(1, 1024), default=1, show_default=True, help="Of torch, on the CPU.")
@click.option("--passes", type=click.IntRange(1, 1000), default=5, show_default=True, help="That are timed.")
@click.option("--backward", is_flag=True, help="Training: forward and backward pass.")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True, help="auto: the GPU."
)
@json_option
def command(
    blocks: tuple[str, ...],
    strides: tuple[str, ...],
    size: tuple[int, int],
    width: int,
    threads: int,
    passes: int,
    backward: bool,
    device: str,
    as_json: bool,
) -> None:
    """Compare memory and time of the attention blocks with the plain formula that holds the matrix of all pairs.

    Each runs in a fresh process with the same weights and the same map. Exit 1 where a block of ours fails.

    \b
    bench attention
    bench attention --block dnl --stride 8 --backward --json
    """
    import torch

    from bench.cost.attention_memory import compare
    from bench.errors import UserError

    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: torch sees no GPU here. `bench doctor` says what there is.")
    chosen = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    setting = Setting(size=size, channels=width, threads=threads, passes=passes, backward=backward, device=chosen)
    found: list[Comparison] = []
    for comparison in compare(blocks or BLOCKS, tuple(map(int, strides)) or STRIDES, setting):
        found.append(comparison)
        say(f"{comparison.block} at 1/{comparison.stride}: {comparison.positions} positions, done")
    if as_json:
        click.echo(json.dumps(asdict(setting) | {"comparisons": [asdict(one) for one in found]}, indent=2))
    else:
        print_table(found, setting)
    if any(one.ours is None for one in found):
        raise SystemExit(ExitCode.CHECK_FAILED)


def print_table(found: list[Comparison], setting: Setting) -> None:
    """Print a row a comparison, and below what the columns mean and which runs gave no result."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    what = "forward and backward pass" if setting.backward else "forward pass"
    width, height = setting.size
    title = f"{what} of {setting.channels} channels, image {width}x{height}, {setting.device}"
    table = Table(title=title, title_justify="left", title_style="bold")
    for heading in ("block", "stride", "positions"):
        table.add_column(heading, justify="left" if heading == "block" else "right")
    for heading in ("memory ours", "plain", "plain/ours", "time ours", "plain", "plain/ours", "difference"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in found:
        table.add_row(*_cells(one))
    console.print(table)
    for line in _footnotes(found, setting):
        console.print(line, highlight=False, markup=False)


def _cells(one: Comparison) -> list[str]:
    difference = "–" if one.difference is None else f"{one.difference:.1e}"
    return [
        one.block,
        f"1/{one.stride}",
        f"{one.positions:,}",
        _memory(one.ours),
        _memory(one.plain),
        _ratio(one.memory_ratio),
        _time(one.ours),
        _time(one.plain),
        _ratio(one.time_ratio),
        difference,
    ]


def _memory(result: PassResult | None) -> str:
    if result is None:
        return "–"
    size = result.peak_bytes
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _time(result: PassResult | None) -> str:
    if result is None:
        return "–"
    unit, divisor, digits = ("s", 1000, 2) if result.median_ms >= 1000 else ("ms", 1, 1)
    median, fastest, slowest = (
        f"{value / divisor:.{digits}f}" for value in (result.median_ms, result.fastest_ms, result.slowest_ms)
    )
    return f"{median} ({fastest}–{slowest}) {unit}"


def _ratio(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.1f}"


def _footnotes(found: list[Comparison], setting: Setting) -> list[str]:
    memory = "allocated memory of the GPU" if setting.device == "cuda" else "resident memory of the process"
    lines = [
        f"memory: highest {memory} in the first pass, above its level just before.",
        f"time: median of {setting.passes} passes after it (fastest–slowest), {setting.threads} CPU threads. "
        "Times on a shared machine are noisy; compare within one run.",
        "plain: softmax(scale q k^T) v written out, same weights and map. difference: largest, of the outputs.",
    ]
    for one in found:
        for who, said in (("ours", one.ours_said), ("plain", one.plain_said)):
            if said:
                lines.append(f"{one.block} at 1/{one.stride}, {who}: {said}")
    return lines
