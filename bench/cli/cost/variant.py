"""The cost of one variant in the terminal: as a whole, by part and by operator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common.output import say
from bench.cli.common.tables import make_console, make_table
from bench.errors import UserError, describe_failure
from bench.metrics import LOWER_BOUND, METRICS, in_both_conventions
from variants.errors import VariantError

if TYPE_CHECKING:
    from rich.table import Table

    from bench.cost.budget import Budget
    from bench.cost.figures import Cost, Work
    from bench.sweep.target import Target

_SHORT = {
    "rest_operations": "other operations",
    "weight_bytes": "in float32",
    "float16_bytes": "in float16",
    "int8_bytes": "in int8",
    "activations": "elements written",
    "activation_bytes": "in float32",
}


def run_variant(target: Target, budget: Budget, flops: bool, as_json: bool) -> bool:
    """Count the one variant of a target and print its cost. False beyond the budget, or without all formulas.

    Raises:
        UserError: the network does not run at that size, or not on the meta device.
    """
    from bench.cost.count import count_variant

    (spec,) = target.specs
    try:
        cost = count_variant(spec, target.classes, *target.size)
    except (UserError, VariantError):
        raise
    except Exception as error:  # of a network from elsewhere: any
        size = "x".join(map(str, target.size))
        raise UserError(
            f"{spec.name} cannot be counted at {size}: {describe_failure(error)}. Try another --size."
        ) from None
    if as_json:
        click.echo(json.dumps(_as_json(target, cost), indent=2))
    else:
        _print(target, cost, flops)
    if not budget.holds(cost):
        say(f"beyond the budget of {budget}")
    return not cost.unknown and budget.holds(cost)


def _as_json(target: Target, cost: Cost) -> dict[str, Any]:
    spec = target.specs[0]
    about = {"variant": spec.name, "content_hash": spec.content_hash, "size": list(target.size)}
    return about | {"classes": target.classes} | cost.metrics() | {"flops": 2 * cost.total.macs} | cost.to_json()


def _print(target: Target, cost: Cost, flops: bool) -> None:
    console = make_console()
    for line in _header(target, cost):
        console.print(line, markup=False, soft_wrap=True)
    console.print(_part_table(cost, flops))
    console.print(_operator_table(cost, flops))


def _header(target: Target, cost: Cost) -> list[str]:
    spec, (width, height) = target.specs[0], target.size
    figures = cost.metrics()
    mark = f"{LOWER_BOUND} " if cost.unknown else ""

    def shown(*keys: str) -> str:
        return ", ".join(f"{METRICS[k].show(figures[k])} {METRICS[k].unit} {_SHORT[k]}" for k in keys)

    peak = METRICS["peak_bytes"]
    lines = [
        f"variant       {spec.name}  ({spec.content_hash})",
        f"input         {width}x{height}, {target.classes} classes",
        f"cost          {mark}{in_both_conventions(figures['macs'])}, and {shown('rest_operations')}",
        f"parameters    {METRICS['parameters'].show(figures['parameters'])} M",
        f"saved         {shown('weight_bytes', 'float16_bytes', 'int8_bytes')}",
        f"activations   {shown('activations', 'activation_bytes')}",
        f"peak memory   {peak.show(figures['peak_bytes'])} {peak.unit} of activations, at {cost.peak.operator} "
        f"in {cost.peak.part}",
    ]
    if cost.unknown:
        lines.append(f"no formula    {', '.join(cost.unknown)}: costs with {LOWER_BOUND} are lower bounds")
    return lines


def _part_table(cost: Cost, flops: bool) -> Table:
    table = make_table("part", "parameters\n(M)", *_work_headings(flops))
    weights = cost.weights_by_part()
    for part, work in cost.by_part().items():
        parameters = weights[part].parameters if part in weights else 0
        mark = LOWER_BOUND if cost.unknown.keys() & cost.work[part].keys() else ""
        shown = METRICS["parameters"].show(parameters) if parameters else "–"
        table.add_row(part, shown, *_work_cells(work, flops, mark))
    return table


def _operator_table(cost: Cost, flops: bool) -> Table:
    table = make_table("operator", "calls", *_work_headings(flops))
    for name, work in cost.by_operator().items():
        table.add_row(name, str(work.calls), *_work_cells(work, flops, "?" if name in cost.unknown else ""))
    return table


def _work_headings(flops: bool) -> tuple[str, ...]:
    core = "FLOPs at 2\nper MAC (G)" if flops else "MACs\n(G)"
    return core, "other op.\n(G)", "activations\n(M)"


def _work_cells(work: Work, flops: bool, mark: str) -> tuple[str, ...]:
    """`mark` stands before both kinds of operations, also where none of them is known."""
    core = METRICS["macs"].show(2 * work.macs if flops else work.macs) if work.macs else ""
    rest = METRICS["rest_operations"].show(work.rest) if work.rest else ""
    written = METRICS["activations"].show(work.written) if work.written else "–"
    return f"{mark}{core}" or "–", f"{mark}{rest}" or "–", written
