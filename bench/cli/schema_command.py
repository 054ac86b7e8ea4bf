"""`bench schema`: JSON Schema of the space file."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """Print the JSON Schema of the space file, with every axis, its values and its default.

    An editor with YAML support checks a space while it is written, when the file starts with
    `# yaml-language-server: $schema=bench-space.schema.json`.

    \b
    bench schema > bench-space.schema.json
    """
    import json

    from bench.sweep.schema import space_schema

    click.echo(json.dumps(space_schema(), indent=2))
