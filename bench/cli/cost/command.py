"""`bench cost`: the cost of one variant, or of a whole space."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.common.options import (
    SizeType,
    cores,
    json_option,
    max_gmacs_option,
    max_params_option,
    reports_option,
    results_option,
    workers_option,
)
from bench.errors import ExitCode, UserError


@click.command()
@click.argument("target", metavar="SPEC|SPACE")
@click.option("--size", type=SizeType(), help="Of the input, in pixels.  [default: the space's, or 2048x1024]")
@click.option(
    "--classes", type=click.IntRange(1, 10_000), help="Channels of the logits.  [default: the data set's, or 19]"
)
@max_gmacs_option
@max_params_option
@click.option("--flops", is_flag=True, help="Say and draw FLOPs at 2 per MAC in place of MACs.")
@click.option("--audit", is_flag=True, help="Compare with fvcore and ptflops, operator by operator.")
@click.option("--check-memory", is_flag=True, help="Compare the peak memory with the allocator's, in real passes.")
@click.option("--hardware", metavar="PROFILE", help="Add a roofline estimate: a named profile, or `here`.")
@workers_option
@json_option
@results_option
@reports_option
def command(
    target: str,
    size: tuple[int, int] | None,
    classes: int | None,
    max_gmacs: float | None,
    max_params: int | None,
    flops: bool,
    audit: bool,
    check_memory: bool,
    hardware: str | None,
    workers: int | None,
    as_json: bool,
    results_dir: Path,
    reports_dir: Path,
) -> None:
    """Count a variant, or every variant of a space; nothing real is built.

    Of a variant: parameters, multiply-adds, other operations, activations, peak memory and sizes, by part and by
    operator. Of a space: all of them as CSV, Parquet and JSON below reports/, with a figure beside published networks.
    Exit 1 where an operator has no formula, which makes a cost a lower bound, and for a variant beyond the limits.

    \b
    bench cost resnet18+fpn256-head128
    bench cost mobilenetv2_100+frm1234-dnl-w128+fpn64-head32 --size 1024x512 --json
    bench cost camvid --max-gmacs 30 --max-params 5M
    bench cost audit --size 256x128 --audit
    bench cost camvid --hardware rtx3090
    """
    if sum([audit, check_memory, hardware is not None]) > 1:
        raise UserError("--audit, --check-memory and --hardware answer different questions. Give one of them.")
    from bench.cost.budget import Budget
    from bench.sweep.target import read_target

    read = read_target(target, size, classes)
    count = workers or cores()
    budget = read.budget.narrowed(Budget(max_gmacs, max_params))
    if audit or check_memory or hardware is not None:
        from bench.cli.common.counting import within_budget

        read = within_budget(read, budget, count)
    if audit:
        from bench.cli.cost.audit import run_audit

        fine = run_audit(read, count, as_json)
    elif check_memory:
        from bench.cli.cost.memory import run_memory_check

        fine = run_memory_check(read, as_json)
    elif hardware is not None:
        from bench.cli.cost.hardware import run_hardware

        fine = run_hardware(read, hardware, results_dir, as_json)
    elif read.space is None:
        from bench.cli.cost.variant import run_variant

        fine = run_variant(read, budget, flops, as_json)
    else:
        from bench.cli.cost.space import run_space

        fine = run_space(read, budget, flops=flops, workers=count, reports_dir=reports_dir, as_json=as_json)
    if not fine:
        raise SystemExit(ExitCode.CHECK_FAILED)
