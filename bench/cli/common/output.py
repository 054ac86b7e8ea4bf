"""Words for the person who waits go to stderr; data goes to stdout."""

import click


def say(text: str) -> None:
    """Print one line on stderr."""
    click.echo(text, err=True)
