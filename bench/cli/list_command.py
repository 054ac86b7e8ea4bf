"""`bench list`: what there is to choose from."""

from __future__ import annotations

import json
from collections.abc import Callable

import click

from bench.cli.options import json_option


@click.command()
@click.argument("what", type=click.Choice(["backbones", "contexts", "spaces", "datasets"]), required=False)
@click.option("--match", default="", help="With backbones: every timm network whose name contains this, checked.")
@json_option
def command(what: str | None, match: str, as_json: bool) -> None:
    """List backbones, context blocks, spaces and data sets.

    \b
    bench list
    bench list backbones --match mobilenetv4
    """
    tables: dict[str, Callable[[], dict[str, str]]] = {
        "backbones": lambda: _backbones(match),
        "contexts": _contexts,
        "spaces": _spaces,
        "datasets": _datasets,
    }
    chosen = {name: tables[name]() for name in ([what] if what else tables)}
    if as_json:
        click.echo(json.dumps(chosen, indent=2))
        return
    for name, entries in chosen.items():
        click.secho(name, bold=True)
        width = max((len(entry) for entry in entries), default=0)
        for entry, words in entries.items():
            click.echo(f"  {entry:{width}}  {words}")


def _backbones(match: str) -> dict[str, str]:
    if match:
        return _matching_backbones(match)
    from variants.backbones.families import FAMILIES

    return dict(FAMILIES) | {"NAME": "any timm network with stages at strides 4, 8, 16, 32: --match finds them"}


def _matching_backbones(match: str) -> dict[str, str]:
    import timm

    from variants.backbones import check_backbone
    from variants.errors import VariantError

    found = {}
    for name in timm.list_models(f"*{match}*"):
        try:
            check_backbone(name)
            found[name] = "fits"
        except VariantError as error:
            found[name] = str(error).partition(";")[0].partition(". ")[0]
    return found


def _contexts() -> dict[str, str]:
    from variants.context import CONTEXTS

    return {
        name: entry.summary + (f" (axes: {', '.join(entry.axes)})" if entry.axes else "")
        for name, entry in CONTEXTS.items()
    }


def _spaces() -> dict[str, str]:
    from bench.sweep.spacefile import load_space, shipped_spaces

    spaces = {name: load_space(name) for name in shipped_spaces()}
    return {name: f"{len(s.specs)} variants: {s.about}" for name, s in spaces.items()}


def _datasets() -> dict[str, str]:
    from bench.accuracy.datasets import DATASETS

    return {name: words for name, (_, words) in DATASETS.items()}
