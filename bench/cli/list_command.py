"""`bench list`: what there is to choose from."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common.options import json_option

if TYPE_CHECKING:
    from variants.axes import Axis
    from variants.registry import Registry

_KINDS = ["backbones", "contexts", "networks", "presets", "axes", "spaces", "recipes", "datasets"]


@click.command()
@click.argument("what", type=click.Choice(_KINDS), required=False)
@click.option("--match", default="", help="With backbones: every timm network whose name contains this, checked.")
@json_option
def command(what: str | None, match: str, as_json: bool) -> None:
    """List backbones, context blocks, networks, presets, axes, spaces, recipes and data sets.

    `bench list presets` recomputes what is published about presets, networks and backbones, and shows
    both numbers side by side.

    \b
    bench list
    bench list presets
    bench list backbones --match mobilenetv4
    """
    if what == "presets":
        _show_presets(as_json)
        return
    tables: dict[str, Callable[[], dict[str, str]]] = {
        "backbones": lambda: _backbones(match),
        "contexts": _contexts,
        "networks": _networks,
        "presets": _presets,
        "axes": _axes,
        "spaces": _spaces,
        "recipes": _recipes,
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
    from variants.backbones import BACKBONES
    from variants.backbones.families import FAMILIES

    own = {name: BACKBONES[name].summary for name in BACKBONES}
    timm = {"NAME": "any timm network with stages at strides 4, 8, 16, 32: --match finds them"}
    return own | FAMILIES | timm | _broken(BACKBONES)


def _matching_backbones(match: str) -> dict[str, str]:
    import timm

    from variants.backbones import BACKBONES, check_backbone
    from variants.errors import VariantError

    found = {}
    for name in [*(own for own in BACKBONES if match in own), *timm.list_models(f"*{match}*")]:
        try:
            check_backbone(name)
            found[name] = "fits"
        except VariantError as error:
            found[name] = str(error).partition(";")[0].partition(". ")[0]
    return found


def _contexts() -> dict[str, str]:
    import variants.spec  # noqa: F401 - says which blocks of other packages can be taken
    from variants.context import CONTEXTS

    shown = {}
    for name in CONTEXTS:
        entry = CONTEXTS[name]
        axes = ", ".join(axis.name + ("" if axis.default is None else f" {axis.default}") for axis in entry.axes)
        shown[name] = entry.summary + (f" (axes: {axes})" if axes else "")
    return shown | _broken(CONTEXTS)


def _networks() -> dict[str, str]:
    from variants.networks import NETWORKS

    shown = {}
    for name in NETWORKS:
        entry = NETWORKS[name]
        shown[f"BACKBONE+{name}" if entry.takes_backbone and name != "frm" else name] = entry.summary
    return shown | _broken(NETWORKS)


def _broken(registry: Registry[Any]) -> dict[str, str]:
    """Entries of other packages that were set aside; one of a name that is taken stands beside it."""
    return {
        f"{name} (another)" if name in registry else name: f"CANNOT BE LOADED: {reason}"
        for name, reason in registry.broken.items()
    }


def _presets() -> dict[str, str]:
    from variants.presets import PRESETS

    return {name: f"{preset.variant}  (`bench list presets` recomputes its claim)" for name, preset in PRESETS.items()}


def _axes() -> dict[str, str]:
    from variants.spec import CORE_AXES, option_axes

    core = {axis.name: _axis_words(axis) for axis in CORE_AXES}
    options = {
        name: f"{_axis_words(axis, with_default=False)}; of {', '.join(contexts)}"
        for name, (axis, contexts) in option_axes().items()
    }
    return core | options


def _axis_words(axis: Axis, with_default: bool = True) -> str:
    default = f" (default {axis.default})" if with_default and axis.default is not None else ""
    schema = axis.schema()
    if "enum" in schema:
        return f"{' | '.join(map(str, schema['enum']))}{default}: {axis.summary}"
    if "minimum" in schema:
        return f"{schema['minimum']:g} to {schema['maximum']:g}{default}: {axis.summary}"
    return f"{axis.summary}{default}"


def _spaces() -> dict[str, str]:
    from bench.sweep.spacefile import load_space, shipped_spaces

    shown = {}
    for name in shipped_spaces():
        space = load_space(name)
        dropped = sum(space.expansion.dropped.values())
        count = f"{len(space.specs)} variants of {space.expansion.combinations} combinations, {dropped} dropped"
        shown[name] = f"{count}: {space.about}"
    return shown


def _recipes() -> dict[str, str]:
    from bench.accuracy.recipes import about_recipe, shipped_recipes

    return {name: about_recipe(path) for name, path in shipped_recipes().items()}


def _datasets() -> dict[str, str]:
    from bench.data import DATASETS

    return {name: kind.summary for name, kind in DATASETS.items()}


def _show_presets(as_json: bool) -> None:
    from bench.cost.claims import check_claims

    rows = [
        {
            "name": checked.name,
            "metric": checked.claim.metric,
            "claimed": checked.claim.value,
            "computed": checked.computed,
            "difference": checked.difference,
            "met": checked.met,
            "size": list(checked.claim.size),
            "classes": checked.claim.classes,
            "scope": checked.claim.scope,
            "source": checked.claim.source,
            "why": checked.claim.difference,
        }
        for checked in check_claims()
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    _print_presets(rows)


def _print_presets(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    from variants.presets import PRESETS

    table = Table(title="published and computed: parameters, and multiply-adds counted once", title_justify="left")
    table.add_column("name", overflow="fold")
    table.add_column("what")
    for heading in ("claimed", "computed", "difference"):
        table.add_column(heading, justify="right")
    table.add_column("met")
    table.add_column("source; why not met", overflow="fold")
    for row in rows:
        parameters = row["metric"] == "parameters_m"
        what = "parameters" if parameters else f"MACs {row['size'][0]}x{row['size'][1]}"
        table.add_row(
            row["name"],
            what,
            f"{row['claimed']:g} {'M' if parameters else 'G'}",
            f"{row['computed']:.2f} {'M' if parameters else 'G'}",
            f"{row['difference']:+.2%}",
            "yes" if row["met"] else "no",
            row["source"] + (f"; {row['why']}" if row["why"] and not row["met"] else ""),
        )
    Console().print(table)
    for name, preset in PRESETS.items():
        click.echo(f"{name} = {preset.variant}\n  {preset.note}")
