"""Peak memory by liveness beside the allocator's own, variant by variant."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from bench.cli.common.output import say
from bench.cli.common.tables import make_console, make_table
from bench.errors import UserError, describe_failure
from bench.metrics import METRICS

if TYPE_CHECKING:
    from bench.cost.allocator import MemoryCheck
    from bench.sweep.target import Target

TOLERANCE = 0.001
"""Relative difference up to which liveness and the allocator agree."""


def run_memory_check(target: Target, as_json: bool) -> bool:
    """Run a real pass of every variant on the CPU and print both peaks.

    False where they differ by over 0.1 %, or where a variant does not run, which ends no other's check.
    """
    import torch

    from bench.cost.allocator import check_memory

    torch.set_num_threads(1)
    checks = []
    for number, spec in enumerate(target.specs, start=1):
        try:
            checks.append(check_memory(spec, target.classes, *target.size))
            words = f"{checks[-1].error:+.2%}"
        except Exception as error:
            words = f"FAILED, {describe_failure(error)}"
        say(f"[{number}/{len(target.specs)}] {spec.name}: {words}")
    if not checks:
        raise UserError("no variant ran, so nothing was compared. Try another --size.")
    if as_json:
        click.echo(json.dumps([asdict(check) | {"error": check.error} for check in checks], indent=2))
    else:
        _print(checks, target)
    return len(checks) == len(target.specs) and all(abs(check.error) <= TOLERANCE for check in checks)


def _print(checks: list[MemoryCheck], target: Target) -> None:
    metric = METRICS["peak_bytes"]
    headings = ("by liveness", "allocator", "allocator, with\nkernels' scratch")
    table = make_table("variant", *(f"{heading} ({metric.unit})" for heading in headings), "liveness\nis off by")
    for check in checks:
        sizes = (check.estimated, check.activations, check.with_scratch)
        table.add_row(check.variant, *(f"{size / 1e6:.2f}" for size in sizes), f"{check.error:+.3%}")
    console = make_console()
    width, height = target.size
    console.print(f"peak memory of activations in a real float32 pass on the CPU, one image of {width}x{height}")
    console.print(table)
    worst = max(checks, key=lambda check: abs(check.error))
    most = max(checks, key=lambda check: check.scratch_share)
    console.print(f"Largest error {worst.error:+.3%} ({worst.variant}).", soft_wrap=True)
    console.print(
        f"What kernels borrow while they run raises the peak by up to {most.scratch_share:.0%} ({most.variant}); it "
        "depends on machine, size and threads, and is in no figure of cost.",
        soft_wrap=True,
    )
