"""`bench doctor`: what this machine can measure."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bench.cli.common.options import json_option
from bench.errors import ExitCode

_folder = click.Path(path_type=Path)


@click.command()
@click.option("--data-root", type=_folder, help="Also check this CamVid folder.")
@click.option("--weights-dir", type=_folder, help="Also check that this folder holds weights.")
@json_option
def command(data_root: Path | None, weights_dir: Path | None, as_json: bool) -> None:
    """Say what this machine can measure, and the command that mends what is missing.

    Exit 1 where something that every sweep needs is missing.

    \b
    bench doctor
    bench doctor --data-root CAMVID --weights-dir WEIGHTS
    """
    from bench.doctor import diagnose

    findings = diagnose(data_root, weights_dir)
    if as_json:
        click.echo(json.dumps([finding.__dict__ for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(f"{finding.state:8} {finding.what}: {finding.fact}")
            if finding.mend:
                click.echo(f"{'':8} -> {finding.mend}")
    if any(finding.state == "missing" for finding in findings):
        raise SystemExit(ExitCode.CHECK_FAILED)
