"""`bench calibrate`: what this machine's CPU can do at most."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from bench.cli.common.options import results_option
from bench.cli.common.output import say


@click.command()
@click.option(
    "--threads", type=click.IntRange(1, 1024), default=1, show_default=True, help="As latencies are measured with."
)
@click.option("--repeats", type=click.IntRange(3, 1000), default=15, show_default=True, help="Runs of each kernel.")
@results_option
def command(threads: int, repeats: int, results_dir: Path) -> None:
    """Measure peak multiply-adds and memory bandwidth of the CPU, for `bench cost --hardware here`.

    The fastest of several runs counts: other work on the machine only ever slows one down. Takes some ten seconds.

    \b
    bench calibrate
    bench calibrate --threads 4
    """
    from bench.cost.calibrate import calibrate
    from bench.cost.hardware import calibration_path, write_calibration
    from bench.system.machine import commit, machine_facts, machine_id, versions

    trials = []
    for trial in calibrate(threads, repeats):
        trials.append(trial)
        say(f"{trial.kernel}: {trial.best / 1e9:.1f} G {trial.unit} a second (slowest run {trial.slowest / 1e9:.1f})")
    macs_per_s = max(trial.best for trial in trials if trial.unit == "MACs")
    bytes_per_s = max(trial.best for trial in trials if trial.unit == "bytes")
    data = {
        "machine_id": machine_id(),
        "machine": machine_facts(),
        "threads": threads,
        "macs_per_s": macs_per_s,
        "bytes_per_s": bytes_per_s,
        "measured": datetime.now(UTC).date().isoformat(),
        "versions": versions(),
        "commit": commit(),
        "trials": [asdict(trial) for trial in trials],
    }
    path = calibration_path(results_dir, threads)
    write_calibration(path, data)
    click.echo(
        f"{macs_per_s / 1e9:.1f} GMACs a second = {2 * macs_per_s / 1e9:.1f} GFLOPs a second at 2 per MAC, "
        f"{bytes_per_s / 1e9:.1f} GB a second, float32, {threads} thread{'s' if threads > 1 else ''}"
    )
    say(f"kept in {path}; `bench cost SPACE --hardware here` uses it")
