"""`bench show`: stored records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.common.options import json_option, results_option

if TYPE_CHECKING:
    from bench.storage.records import Record


@click.command()
@click.argument("pattern", default="")
@click.option("--sweep", default="*", help="Only records of this sweep, or of adapt/NAME.  [default: all]")
@click.option(
    "--group", type=click.Choice(["cost", "latency", "accuracy", "adaptation"]), help="Only records of this group."
)
@click.option("--failed", is_flag=True, help="Only failures, with their reasons.")
@json_option
@results_option
def command(pattern: str, sweep: str, group: str | None, failed: bool, as_json: bool, results_dir: Path) -> None:
    """List the stored records of variants whose name contains PATTERN.

    With --json: one whole record a line, with machine, versions, setting, samples and commit.

    \b
    bench show dnl --group accuracy
    bench show --failed
    bench show lite0 --json
    """
    from bench.cli.common.output import say
    from bench.errors import UserError
    from bench.storage.store import PREFIX, Store, adaptations_in

    if not results_dir.is_dir():
        raise UserError(f"no folder {results_dir} here. Run it in the project, or pass --results FOLDER.")
    sweeps, adaptations = Store(results_dir), adaptations_in(results_dir)
    known = [*sweeps.sweeps(), *(f"{PREFIX}{name}" for name in adaptations.sweeps())]
    if sweep != "*" and sweep not in known:
        raise UserError(f"{results_dir} holds no records of {sweep!r}; it holds: {', '.join(known) or 'none'}.")
    found = [] if sweep.startswith(PREFIX) else sweeps.read(sweep)
    if sweep == "*" or sweep.startswith(PREFIX):
        found += adaptations.read(sweep.removeprefix(PREFIX))
    records = [
        record
        for record in found
        if pattern in record.variant and group in (None, record.group) and (record.status == "failed" or not failed)
    ]
    for record in records:
        click.echo(record.to_line() if as_json else _line(record))
    say(f"{len(records)} records in {results_dir}")


def _line(record: Record) -> str:
    from bench.metrics import METRICS

    if record.status == "failed":
        words = f"FAILED, {record.reason}"
    else:
        shown = [METRICS[name] for name in record.metrics if name in METRICS]
        words = ", ".join(f"{m.label} {m.show(record.metrics[m.key])} {m.unit}" for m in shown)
    how = _how(record)
    return f"{record.started}  {record.commit}  {record.group:8} {record.variant}{how}: {words}"


def _how(record: Record) -> str:
    """What tells it from others of its variant."""
    from bench.storage.records import AccuracyRecord, AdaptationRecord, StepRecord

    match record:
        case AdaptationRecord(setting=of):
            return f" {of.arm}, {of.labels} labels, {of.step} seed {of.seed}"
        case StepRecord(setting=of):
            return f" with {of.step}"
        case AccuracyRecord(setting=of):
            return f" seed {of.seed}"
    return ""
