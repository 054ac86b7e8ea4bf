"""`bench cost`: parameters and multiply-adds of one variant."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from bench.cli.options import SizeType, json_option
from bench.errors import ExitCode


@click.command()
@click.argument("spec")
@click.option("--size", type=SizeType(), default="2048x1024", show_default=True, help="Of the input, in pixels.")
@click.option(
    "--classes", type=click.IntRange(1, 10_000), default=19, show_default=True, help="Channels of the logits."
)
@json_option
def command(spec: str, size: tuple[int, int], classes: int, as_json: bool) -> None:
    """Count parameters and multiply-adds of SPEC, and check them with ptflops.

    Exit 1 where the two counters differ by over 0.1 % or an operator is counted by neither.

    \b
    bench cost resnet18+fpn256-head128
    bench cost mobilenetv2_100+frm1234-dnl-w128+fpn64-head32 --size 1024x512 --json
    """
    from variants.names import parse_name

    parsed = parse_name(spec)
    from bench.cost.count import count_cost
    from variants.network import build

    cost = count_cost(build(parsed, classes), *size)
    about = {"variant": parsed.name, "content_hash": parsed.content_hash, "size": list(size), "classes": classes}
    result = about | asdict(cost)
    click.echo(json.dumps(result, indent=2) if as_json else _words(result))
    if not cost.counters_agree or cost.unknown_operators:
        raise SystemExit(ExitCode.CHECK_FAILED)


def _words(result: dict[str, Any]) -> str:
    from bench.metrics import METRICS, in_both_conventions

    width, height = result["size"]
    verdict = "agrees" if result["counters_agree"] else "DISAGREES"
    lines = [
        f"variant     {result['variant']}  ({result['content_hash']})",
        f"input       {width}x{height}, {result['classes']} classes",
        f"parameters  {METRICS['parameters'].show(result['parameters'])} M",
        f"cost        {in_both_conventions(result['macs'])}",
        f"ptflops     {result['macs_ptflops'] / 1e9:.2f} GMACs, {result['ptflops_difference']:+.2%}: {verdict}",
    ]
    if result["unknown_operators"]:
        lines.append(f"not counted {', '.join(result['unknown_operators'])}")
    return "\n".join(lines)
