"""Three counters side by side in the terminal: their figures, what explains the differences, what is left over."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common.output import say
from bench.cli.common.tables import make_console, make_table

if TYPE_CHECKING:
    from bench.cost.audit.compare import Audited
    from bench.cost.audit.reading import Failure, Reading
    from bench.sweep.target import Target

_CONVENTION = (
    "G: 10^9 multiply-adds, each counted once, of convolutions, linear layers and matrix products, attention's "
    "included; neither biases, norms, resizing nor pooling. Every counter: as it prints its figure -> in this "
    "convention, by its own numbers."
)


def run_audit(target: Target, workers: int, as_json: bool) -> bool:
    """Count every variant of a target with three counters and print them. False where any difference is left over."""
    audited = _audit_with_progress(target, workers)
    if as_json:
        click.echo(json.dumps(_as_json(target, audited), indent=2))
    else:
        _print(target, audited)
    for one in audited:
        for problem in one.problems:
            say(f"{one.variant}: {problem}")
    return all(one.agrees for one in audited)


def _audit_with_progress(target: Target, workers: int) -> list[Audited]:
    from rich.console import Console
    from rich.progress import Progress

    from bench.cost.audit.run import audit

    start = time.perf_counter()
    found = []
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("auditing", total=len(target.specs))
        for one in audit(target.specs, target.classes, target.size, workers):
            found.append(one)
            progress.advance(task)
    say(f"audited {len(found)} variants at {'x'.join(map(str, target.size))} in {time.perf_counter() - start:.0f} s")
    return found


def _print(target: Target, audited: list[Audited]) -> None:
    console = make_console()
    width, height = target.size
    console.print(_CONVENTION, soft_wrap=True)
    console.print(f"One image of {width}x{height}, {target.classes} classes.")
    console.print(_figures(audited))
    console.print(_explanations(audited))
    for line in _beside(audited):
        console.print(line, soft_wrap=True)
    agreeing = sum(one.agrees for one in audited)
    console.print(f"{agreeing} of {len(audited)} variants agree to the last multiply-add, nothing left over.")


def _figures(audited: list[Audited]) -> Any:
    others = [one.counter for one in audited[0].others]
    table = make_table("variant", "ours (G)", *(f"{name} (G)" for name in others), "verdict")
    for one in audited:
        ours, *theirs = (_figure(reading) for reading in (one.ours, *one.others))
        table.add_row(one.variant, ours, *theirs, "agree" if one.agrees else "DIFFER")
    return table


def _figure(found: Reading | Failure) -> str:
    from bench.cost.audit.reading import Failure

    if isinstance(found, Failure):
        return "failed"
    aligned = _giga(found.aligned)
    return f"{_giga(found.native)} -> {aligned}" if found.counter != "ours" else aligned


def _explanations(audited: list[Audited]) -> Any:
    from bench.cost.audit.compare import explained

    table = make_table("explained difference, over all variants", "why", "variants", "calls", "G")
    for row in explained(audited):
        calls = "–" if row["calls"] is None else f"{row['calls']:,}"
        table.add_row(
            f"{row['counter']}: {row['operator']}", row["reason"], str(row["variants"]), calls, _signed(row["macs"])
        )
    table.columns[1].justify = "left"
    return table


def _beside(audited: list[Audited]) -> Iterable[str]:
    """The other figures of the counters, over all variants that have them."""
    from bench.cost.audit.compare import readings

    totals: dict[str, int] = {}
    for one in audited:
        for reading in readings(one):
            for name, macs in reading.beside.items():
                totals[f"{reading.counter}' {name}"] = totals.get(f"{reading.counter}' {name}", 0) + macs
    if totals:
        figures = "; ".join(f"{name}: {_giga(macs)} G" for name, macs in totals.items())
        yield f"Shown and not compared, over all variants: {figures}."


def _as_json(target: Target, audited: list[Audited]) -> dict[str, Any]:
    from bench.cost.audit.compare import explained

    variants = [
        {
            "variant": one.variant,
            "agrees": one.agrees,
            "problems": list(one.problems),
            "ours": asdict(one.ours),
            "others": [asdict(other) for other in one.others],
        }
        for one in audited
    ]
    about = {"unit": "multiply-adds, each counted once", "size": list(target.size), "classes": target.classes}
    return about | {"agree": all(one.agrees for one in audited), "explained": explained(audited), "variants": variants}


def _signed(macs: int) -> str:
    giga = macs / 1e9
    return f"{giga:+.2g}" if abs(giga) < 0.001 else f"{giga:+.4f}"


def _giga(macs: int) -> str:
    return f"{macs / 1e9:.4f}"
