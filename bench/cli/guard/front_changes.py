"""What `bench guard --front` and `bench report --against` print of a comparison of fronts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bench.cli.common.output import say
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.guard.front_comparison import FrontComparison, Reference


def reference(revision: str | None, sweep: str | None) -> Reference | None:
    """What the options `--against` and `--against-sweep` name; None without them.

    Raises:
        UserError: both are given.
    """
    if revision is not None and sweep is not None:
        raise UserError("--against names a git revision and --against-sweep a sweep. Give one of them.")
    if revision is None and sweep is None:
        return None
    from bench.guard.front_comparison import Reference

    return Reference(revision, sweep)


def print_comparison(found: FrontComparison) -> None:
    """Print how each front and each pinned point moved."""
    from bench.render.front_changes_text import move_lines

    say(f"{found.sweep}, {found.variants} variants, against {found.against}, {found.variants_before} variants")
    for line in move_lines(found.moves, found.points):
        click.echo(line)
    spread = found.spread.describe() if found.spread else "one seed, of others nothing is known"
    say(f"intervals (95 %) are over the images of the validation split, with {spread}")
    if found.same_records:
        say(f"{found.sweep}: nothing was compared, since {found.against} holds the same records.")
